import { match, P } from 'ts-pattern';
import { selected } from '../../../spec/contract/selected.ts';
import { onFaultOf, stepsWithin, wordsOf } from '../../../spec/contract/steps.ts';
import type { ContractData, Parameter, Step, When } from '../../../spec/contract/types.ts';
import { code, listed } from '../markdown.ts';

/** Settings at which a handler is shown side by side, and what they are called. */
export interface Column {
  names: string[];
  parameters: Record<string, string>;
}

/** What every row has. */
interface AnyRow {
  /** In how many blocks and loops it is. */
  depth: number;
  /** All that the settings must be for it. */
  when: When[];
  /** Rows of steps that it is above; for a block. */
  covers: Row[];
}

/** Steps for some settings follow: `own` is what of them is not said by a block around it. */
export interface WhereRow extends AnyRow {
  kind: 'where';
  own: When;
}

/** Steps with a condition follow: a rule. */
export interface IfRow extends AnyRow {
  kind: 'if';
  rule: string;
}

/** A step for which there is a rule. */
export interface StepRow extends AnyRow {
  kind: 'step';
  step: Exclude<Step, LoopStep | { kind: 'block' }>;
  rule: string;
  own: When | undefined;
}

/** A loop. */
export interface LoopRow extends AnyRow {
  kind: 'each';
  step: LoopStep;
  own: When | undefined;
}

/** How a loop over devices goes on, or what a fault undoes: the words, or `on fault` of a write, that the rule states. */
export interface WordRow extends AnyRow {
  kind: 'word';
  rule: string;
  words: string[];
}

/** A line of a handler's table. */
export type Row = WhereRow | IfRow | StepRow | LoopRow | WordRow;

type LoopStep = Extract<Step, { kind: 'each' | 'each_device' }>;

/** The rule that a row is for; a block for some settings and a loop have none. */
export function ruleOfRow(row: Row): string | undefined {
  return match(row)
    .with({ kind: P.union('if', 'step', 'word') }, ({ rule }) => rule)
    .with({ kind: P.union('where', 'each') }, () => undefined)
    .exhaustive();
}

/** The rules that rows are for, one for each row that has one. */
export const rulesOfRows = (rows: readonly Row[]): string[] => rows.flatMap((row) => ruleOfRow(row) ?? []);

/**
 * All steps of a handler, whatever the setting, each before what is nested in it. `own`: a parameter whose blocks are not
 * shown, since the page says so.
 */
export function rowsOf(steps: readonly Step[], own?: string, depth = 0, when: When[] = []): Row[] {
  const rows: Row[] = [];
  let condition: IfRow | undefined;
  for (const step of steps) {
    if (step.if === undefined) condition = undefined;
    else if (condition?.rule !== step.if) {
      condition = { kind: 'if', depth, rule: step.if, when, covers: [] };
      rows.push(condition);
    }
    const inner = rowsOfStep(step, own, condition ? depth + 1 : depth, when);
    condition?.covers.push(...inner.filter(({ kind }) => kind !== 'where'));
    rows.push(...inner);
  }
  return rows;
}

function rowsOfStep(step: Step, own: string | undefined, depth: number, outer: When[]): Row[] {
  const when = step.when ? [...outer, step.when] : outer;
  const shown = step.when && !(own !== undefined && own in step.when) ? step.when : undefined;
  if (step.kind === 'each' || step.kind === 'each_device') {
    const each: Row = { kind: 'each', depth, step, own: shown, when, covers: [] };
    const words = byRule(step).map(
      ([rule, words]): Row => ({ kind: 'word', depth: depth + 1, rule, words, when, covers: [] }),
    );
    return [each, ...words, ...rowsOf(stepsWithin(step), own, depth + 1, when)];
  }
  if (step.kind !== 'block') {
    const row: Row = { kind: 'step', depth, step, rule: step.rule, own: shown, when, covers: [] };
    const onFault = onFaultOf(step);
    if (onFault === undefined) return [row];
    return [row, { kind: 'word', depth: depth + 1, rule: onFault, words: ['on fault'], when, covers: [] }];
  }
  if (!shown) return rowsOf(step.steps, own, depth, when);
  const inner = rowsOf(step.steps, own, depth + 1, when);
  return [{ kind: 'where', depth, own: shown, when, covers: inner }, ...inner];
}

/** The words of a loop by the rule that asks for them. */
function byRule(step: Step): [rule: string, words: string[]][] {
  const rules = new Map<string, string[]>();
  for (const [word, rule] of wordsOf(step)) rules.set(rule, [...(rules.get(rule) ?? []), word]);
  return [...rules];
}

/** Whether a row is there at a setting; a condition is if something is that it is above. */
export function isThere(row: Row, parameters: Record<string, string>): boolean {
  if (!row.when.every((when) => selected(when, parameters))) return false;
  return row.kind !== 'if' || row.covers.some((one) => isThere(one, parameters));
}

/** The condition under which a row is taken, if it is below one. */
export const conditionOf = (row: Row, rows: readonly Row[]): string | undefined =>
  rows.findLast((one): one is IfRow => one.kind === 'if' && one.covers.includes(row))?.rule;

/** Whether a row counts as a step: blocks and the words of a loop do not. */
export const counts = ({ kind }: Row): boolean => kind === 'step' || kind === 'each';

/** The place of each step in the order at a setting, from 1 on. */
export function numbersAt(rows: readonly Row[], parameters: Record<string, string>): Map<Row, number> {
  return new Map(
    rows.filter((row) => counts(row) && isThere(row, parameters)).map((row, i): [Row, number] => [row, i + 1]),
  );
}

/** Settings that do not differ in any row, put together in one column. */
export function columnsOf(rows: readonly Row[], settings: readonly Column[]): Column[] {
  const columns = new Map<string, Column>();
  for (const { names, parameters } of settings) {
    const key = rows.map((row) => isThere(row, parameters)).join();
    const same = columns.get(key);
    if (same) same.names.push(...names);
    else columns.set(key, { names: [...names], parameters });
  }
  return [...columns.values()];
}

/** One column for each profile, those left out without the feature if some profile has it. */
export function profileColumns({ profiles }: ContractData, feature?: string): Column[] {
  const columns = [...profiles.values()].map(({ id, parameters }): Column => ({ names: [id], parameters }));
  const having = feature === undefined ? [] : columns.filter(({ parameters }) => parameters[feature] === 'present');
  return having.length > 0 ? having : columns;
}

/** What the settings must be, in words: `driver` is `v10` or `v11`. */
export function whenText(when: When, parameters: ReadonlyMap<string, Parameter>): string {
  return Object.entries(when)
    .map(([name, values]) => {
      const asked = [values].flat();
      const others = Object.keys(parameters.get(name)!.values).filter((value) => !asked.includes(value));
      const quoted = (words: string[]) => listed(words.map(code), 'or');
      if (others.length > 0 && others.length < asked.length) return `\`${name}\` is not ${quoted(others)}`;
      return `\`${name}\` is ${quoted(asked)}`;
    })
    .join(' and ');
}
