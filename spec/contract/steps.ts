import type { Step } from './types.ts';

/** The rule that a step is for: what it refuses, reads, writes, changes or returns. Blocks and loops have none. */
export function ruleOf(step: Step): string | undefined {
  switch (step.kind) {
    case 'refuse':
    case 'read':
    case 'write':
    case 'effect':
    case 'case':
    case 'return':
      return step.rule;
    case 'each':
    case 'each_device':
    case 'block':
      return undefined;
    default:
      return step satisfies never;
  }
}

/** The steps that a step runs; those of a driver table are not among them. */
export function stepsWithin(step: Step): readonly Step[] {
  return step.kind === 'each' || step.kind === 'block' ? step.steps : [];
}

/** What loops are over. */
export type Loop = Extract<Step, { kind: 'each' }>['over'] | 'devices';

/** What a loop runs its steps, or its table, for each of; undefined for what is no loop. */
export function loopOf(step: Step): Loop | undefined {
  if (step.kind === 'each_device') return 'devices';
  return step.kind === 'each' ? step.over : undefined;
}

/** The driver tables that a step uses. */
export function tablesOf(step: Step): string[] {
  if (step.kind !== 'each_device') return [];
  return step.undo_table === undefined ? [step.table] : [step.table, step.undo_table];
}

/** The words of a step over devices, as in `stop group`, each with its rule. */
export function wordsOf(step: Step): [word: string, rule: string][] {
  if (step.kind !== 'each_device') return [];
  const { stop, result, undo } = step;
  return Object.entries({ stop, result, undo }).flatMap(([name, choice]): [string, string][] =>
    choice ? [[`${name} ${choice.word}`, choice.rule]] : [],
  );
}

/** The rule that says what is undone if a write faults. */
export function onFaultOf(step: Step): string | undefined {
  return step.kind === 'write' ? step.on_fault : undefined;
}

/** All rules that a step names itself: its own, its condition, what a fault undoes, and its words; not those of steps within it. */
export function rulesOf(step: Step): string[] {
  return [ruleOf(step), step.if, onFaultOf(step), ...wordsOf(step).map(([, rule]) => rule)].filter(
    (rule) => rule !== undefined,
  );
}

/** Every step, each before those within it. */
export function* everyStep(steps: readonly Step[]): Iterable<Step> {
  for (const step of steps) {
    yield step;
    yield* everyStep(stepsWithin(step));
  }
}
