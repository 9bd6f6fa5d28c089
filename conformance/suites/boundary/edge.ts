import type { Mapping } from '../../../reference/state/state.ts';
import type { Environment, Name, Op } from '../../../spec/uapi/vocabulary.ts';
import type { Value } from '../../programs/build.ts';

/** A value at an edge of a field, with a label that names it within its field. */
export interface Edge {
  label: string;
  value: Value;
  /** Of its field one of the few that stand for all in pairs with other fields. */
  telling?: boolean;
  /** Ops that the value needs before it. */
  before?: Op[];
}

/** What decides where the edges of a field are. */
export interface EdgeContext {
  environment: Environment;
  /** What is mapped in the situation. */
  mappings: readonly Mapping[];
  /** Numbers that the set-up of the situation was given and saved: PASIDs, of which requests ordinarily name the first. */
  saved: readonly Name[];
}

/** The edges without those whose value is there already. */
export function distinct(edges: Edge[]): Edge[] {
  const seen = new Set<string>();
  return edges.filter(({ value }) => {
    const key = typeof value === 'object' ? JSON.stringify(value) : BigInt(value).toString();
    return !seen.has(key) && seen.add(key);
  });
}
