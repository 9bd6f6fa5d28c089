import type { Contract } from '../../reference/interpreter/contract.ts';
import { contractAt } from '../../reference/interpreter/contracts.ts';
import { selected } from '../../spec/contract/selected.ts';
import { lacking } from '../../spec/contract/setting.ts';

/** A parameter and what it is set to. */
export type Assignment = readonly [parameter: string, value: string];

/** A contract with some parameters set otherwise. */
export function withAssignments({ data, parameters }: Contract, assignments: readonly Assignment[]): Contract {
  return contractAt(data, { ...parameters, ...Object.fromEntries(assignments) });
}

/** Every other value of every parameter that says something at a contract's setting, as far as it is possible. */
export function otherAssignments({ data, parameters }: Contract): Assignment[] {
  return [...data.parameters.values()].flatMap(({ id, values, matters }) =>
    Object.keys(values).flatMap((value): Assignment[] => {
      const setting = { ...parameters, [id]: value };
      return parameters[id] === value || !selected(matters, parameters) || lacking(data, setting) ? [] : [[id, value]];
    }),
  );
}

/** The single parameters that, set otherwise, make something hold. */
export function explainingAssignments(contract: Contract, holds: (other: Contract) => boolean): Assignment[] {
  return otherAssignments(contract).filter((one) => holds(withAssignments(contract, [one])));
}

/** Parameters that are set otherwise at once, at most. */
const TOGETHER = 3;

/**
 * The settings, each of as few parameters as it takes, under which a trace conforms and all of several do: single
 * parameters; else one setting that is put together parameter by parameter, always of one that helps the first trace that
 * does not conform yet. None if three are not enough.
 */
export function settingsForAll<Case>(
  contract: Contract,
  cases: readonly Case[],
  conforms: (other: Contract, one: Case) => boolean,
  progress: (other: Contract, one: Case) => number,
): Assignment[][] {
  const [first] = cases;
  if (first === undefined) return [];
  const all = (other: Contract) => cases.every((one) => conforms(other, one));
  const single = explainingAssignments(contract, (other) => conforms(other, first));
  const whole = single.filter((one) => all(withAssignments(contract, [one])));
  if (whole.length > 0) return whole.map((one) => [one]);
  let chosen: Assignment[] = [];
  while (chosen.length < TOGETHER) {
    const here = withAssignments(contract, chosen);
    const open = cases.find((one) => !conforms(here, one));
    if (open === undefined) return [chosen];
    const next = best(here, open, chosen, conforms, progress);
    if (!next) return [];
    chosen = [...chosen, next];
  }
  return all(withAssignments(contract, chosen)) ? [chosen] : [];
}

/** The parameter that makes a case conform, of several the one that changes the fewest rules; else one that makes it fail later. */
function best<Case>(
  here: Contract,
  one: Case,
  chosen: readonly Assignment[],
  conforms: (other: Contract, one: Case) => boolean,
  progress: (other: Contract, one: Case) => number,
): Assignment | undefined {
  const before = progress(here, one);
  const candidates = otherAssignments(here)
    .filter(([id]) => !chosen.some(([taken]) => taken === id))
    .map((assignment) => {
      const other = withAssignments(here, [assignment]);
      const far = conforms(other, one) ? Number.POSITIVE_INFINITY : progress(other, one);
      return { assignment, far, changes: changedRules(here, other).length };
    })
    .filter(({ far }) => far > before)
    .sort((a, b) => b.far - a.far || a.changes - b.changes);
  return candidates[0]?.assignment;
}

/** The rules that come or go between two settings. */
export function changedRules({ rules: before }: Contract, { rules: after }: Contract): string[] {
  return [...[...before].filter((id) => !after.has(id)), ...[...after].filter((id) => !before.has(id))];
}
