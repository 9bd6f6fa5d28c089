import { match, P } from 'ts-pattern';
import { selected } from '../../spec/contract/selected.ts';
import type { ContractData, Rule, RuleOutcome, Step } from '../../spec/contract/types.ts';

/** What a step can be, apart from a block of steps. */
const stepKinds = ['refuse', 'read', 'write', 'effect', 'case', 'return'] as const;

/** What a step is; undefined for a block of steps and for `each`. */
export function kindOf(step: Step): (typeof stepKinds)[number] | undefined {
  return stepKinds.find((kind) => step[kind] !== undefined);
}

/** A step of a handler, and in how many blocks, tables and loops it stands. */
export interface NestedStep {
  step: Step;
  depth: number;
}

/**
 * The steps that are there at a setting of the parameters, each before what is nested in it. A block without a condition is
 * no step of its own, a block of which nothing is left is none at all, and the steps of a table stand below the loop that uses it.
 */
export function stepsAt(
  data: ContractData,
  steps: readonly Step[],
  parameters: Record<string, string>,
  depth = 0,
): NestedStep[] {
  return steps.flatMap((step) => {
    if (!selected(step.when, parameters)) return [];
    const table = data.handlers.find((one) => one.table !== undefined && one.table === step.table);
    const inner = table?.steps ?? step.steps ?? [];
    const below = stepsAt(data, inner, parameters, depth + 1);
    if (step.each || !step.steps) return [{ step, depth }, ...below];
    if (step.if === undefined) return stepsAt(data, inner, parameters, depth);
    return below.length === 0 ? [] : [{ step, depth }, ...below];
  });
}

/** The rule that a step is for: what it refuses, reads, writes, changes or returns. Blocks and loops have none. */
export function ruleOf(step: Step): string | undefined {
  const kind = kindOf(step);
  return kind && step[kind];
}

/** The words of a step over devices (`stop group`, `result last`, `undo all`), each with its rule. */
export function wordsOf({ stop, result, undo }: Step): [word: string, rule: string][] {
  return Object.entries({ stop, result, undo }).flatMap(([name, choice]) =>
    Object.entries(choice ?? {}).map(([word, rule]): [string, string] => [`${name} ${word}`, rule]),
  );
}

/** All rules that a step names itself: its own, its condition, what a fault undoes, and its words; not those of steps within it. */
export function rulesOf(step: Step): string[] {
  return [ruleOf(step), step.if, step.on_fault, ...wordsOf(step).map(([, rule]) => rule)].filter(
    (rule) => rule !== undefined,
  );
}

/** The bytes of the argument that a step reads or writes, in words; nothing where it names none. */
export function rangeText({ from, length, up_to }: Step): string {
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
    .with({ kind: 'errno' }, ({ errno }) => (errno === 'result' ? 'what it was told' : errno))
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
