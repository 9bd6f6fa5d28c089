import type { Contract } from '../../reference/interpreter/contract.ts';
import { withDefect } from '../../reference/interpreter/contracts.ts';
import { allows } from '../../reference/interpreter/outcome.ts';
import { judge, stateBefore, type Violation } from '../../reference/judge.ts';
import type { World } from '../../reference/state/state.ts';
import { everyStep, ruleOf } from '../../spec/contract/steps.ts';
import type { Step } from '../../spec/contract/types.ts';
import type { Environment, HistoryEntry, Trace } from '../../spec/uapi/vocabulary.ts';

/** The effects that made the state before the op, and those that the op itself should have had, each once. */
export function historyOf(before: World, { op, expectation }: Violation): HistoryEntry[] {
  const history = [...before.history, ...expectation.effects.map((rule) => ({ op, rule }))];
  return history.filter(
    (entry, i) => history.findIndex((other) => other.op === entry.op && other.rule === entry.rule) === i,
  );
}

/** Whether what is reported of a violation names a rule: as the one that decides, as an alternative, or in the history. */
export function names(
  contract: Contract,
  environment: Environment,
  trace: Trace,
  violation: Violation,
  rule: string,
): boolean {
  if (violation.rule.id === rule) return true;
  const before = stateBefore(contract, environment, trace, violation.op, violation.choices);
  if (historyOf(before, violation).some((entry) => entry.rule === rule)) return true;
  return alternativeRule(contract, environment, trace, violation) === rule;
}

/** All rules that are reported of a violation: the one that decides, the history, and the alternative. */
export function rulesNamed(
  contract: Contract,
  environment: Environment,
  trace: Trace,
  violation: Violation,
): ReadonlySet<string> {
  const before = stateBefore(contract, environment, trace, violation.op, violation.choices);
  const alternative = alternativeRule(contract, environment, trace, violation);
  const history = historyOf(before, violation).map(({ rule }) => rule);
  return new Set([violation.rule.id, ...history, ...(alternative === undefined ? [] : [alternative])]);
}

/** A program and its outcomes up to an op, which is the last. */
export function upTo<T extends Pick<Trace, 'program' | 'outcomes'>>(trace: T, op: number): T {
  const { program, outcomes } = trace;
  return {
    ...trace,
    program: { ...program, ops: program.ops.slice(0, op + 1) },
    outcomes: outcomes.slice(0, op + 1),
  };
}

/**
 * A rule that would have given the actual answer: the one that decides once the blamed rule is taken away, else the
 * only one of the handler that gives it. None where the answer is right and memory is wrong.
 */
export function alternativeRule(
  contract: Contract,
  environment: Environment,
  trace: Trace,
  { op, rule, expectation, actual, choices }: Violation,
): string | undefined {
  if (!actual || !contract.rules.has(rule.id) || allows(expectation.outcome, actual, trace.program.ops[op]!))
    return undefined;
  const again = judge(withDefect(contract, { rule: rule.id, kind: 'removed' }), environment, upTo(trace, op));
  if (again.kind === 'conforms') {
    const earlier = new Set(stateBefore(contract, environment, trace, op, choices).history.map((entry) => entry.rule));
    const named = [...again.decided].findLast(
      (id) => !earlier.has(id) && id !== rule.id && allowedBy(contract, id, trace, op),
    );
    if (named) return named;
  }
  const handler = contract.data.handlers.find(({ steps }) => deciding(steps).includes(rule.id));
  const candidates = deciding(handler?.steps ?? []).filter(
    (id) => id !== rule.id && contract.rules.has(id) && allowedBy(contract, id, trace, op),
  );
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** The rules of steps that can end a handler. */
function deciding(steps: readonly Step[]): string[] {
  return [...everyStep(steps)].flatMap((step) => (step.kind === 'effect' ? [] : (ruleOf(step) ?? [])));
}

function allowedBy(contract: Contract, id: string, trace: Trace, op: number): boolean {
  const outcome = contract.data.rules.get(id)?.outcome;
  return (
    outcome !== undefined &&
    outcome.kind !== 'undefined' &&
    allows(outcome, trace.outcomes[op]!, trace.program.ops[op]!)
  );
}
