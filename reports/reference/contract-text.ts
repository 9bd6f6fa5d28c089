import { match, P } from 'ts-pattern';
import { selected } from '../../spec/contract/selected.ts';
import { stepsWithin } from '../../spec/contract/steps.ts';
import type { ContractData, Rule, RuleOutcome, Step } from '../../spec/contract/types.ts';

/** A step of a handler, and in how many blocks, tables and loops it is. */
export interface NestedStep {
  step: Step;
  depth: number;
}

/**
 * The steps that are there at a setting of the parameters, each before what is nested in it. A block without a condition is
 * no step of its own, a block of which nothing is left is none at all, and the steps of a table are below the loop that uses it.
 */
export function stepsAt(
  data: ContractData,
  steps: readonly Step[],
  parameters: Record<string, string>,
  depth = 0,
): NestedStep[] {
  return steps.flatMap((step) => {
    if (!selected(step.when, parameters)) return [];
    const table =
      step.kind === 'each_device'
        ? data.handlers.find((one) => one.table !== undefined && one.table === step.table)
        : undefined;
    const inner = table?.steps ?? stepsWithin(step);
    const below = stepsAt(data, inner, parameters, depth + 1);
    if (step.kind !== 'block') return [{ step, depth }, ...below];
    if (step.if === undefined) return stepsAt(data, inner, parameters, depth);
    return below.length === 0 ? [] : [{ step, depth }, ...below];
  });
}

/** The bytes of the argument that a step reads or writes, in words; nothing where it names none. */
export function rangeText(step: Step): string {
  if (step.kind !== 'read' && step.kind !== 'write') return '';
  const { from, length } = step;
  const up_to = step.kind === 'write' ? step.up_to : undefined;
  if (from === undefined) return '';
  if (length === undefined) return `bytes ${from} and up`;
  const bytes = spanText(from, from + length);
  return up_to === undefined ? bytes : `${bytes}, or as far as argsz says up to ${up_to - 1}`;
}

/** Bytes [from, to) in words. */
export const spanText = (from: number, to: number): string =>
  to === from + 1 ? `byte ${from}` : `bytes ${from}..${to - 1}`;

/** An outcome of a rule in words. */
export function outcomeText(outcome: RuleOutcome): string {
  return match(outcome)
    .with({ kind: 'errno' }, ({ errno }) => (errno === 'result' ? 'the injected errno' : errno))
    .with({ kind: 'value' }, ({ value }) => (value === 'result' ? 'a number that it works out' : String(value)))
    .with({ kind: 'fd' }, () => 'a file descriptor')
    .with({ kind: 'range' }, ({ first, last }) => `${first} to ${last}`)
    .with({ kind: 'one_of' }, ({ outcomes }) => outcomes.map(outcomeText).join(' or '))
    .with({ kind: 'undefined' }, () => 'undefined')
    .exhaustive();
}

/** The names of the errnos that an outcome allows. */
export function errnosOf(outcome: RuleOutcome): string[] {
  return match(outcome)
    .with({ kind: 'errno' }, ({ errno }) => [errno])
    .with({ kind: 'one_of' }, ({ outcomes }) => outcomes.flatMap(errnosOf))
    .with({ kind: P.union('value', 'range', 'fd', 'undefined') }, () => [])
    .exhaustive();
}

/** One source of a rule in words: title, where to find it, and the place in it. */
export function sourceText(data: ContractData, { source, at }: Rule['sources'][number]): string {
  const { title, where } = data.sources.get(source)!;
  return `${title}, ${where}: ${at}`;
}
