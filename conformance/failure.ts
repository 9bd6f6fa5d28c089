import { type Contract, compileContract } from '../reference/contract.ts';
import { judge, stateBefore, type Violation } from '../reference/judge.ts';
import { allows, describeExpectation, describeOutcome } from '../reference/outcome.ts';
import { describeState, type World } from '../reference/state.ts';
import type { Rule } from '../spec/contract/types.ts';
import type { Difference, Environment, Failure, HistoryEntry, Trace } from '../spec/uapi/vocabulary.ts';
import { toToken } from './token.ts';

/** Everything that a reader needs to understand a violation, and one word that replays it. */
export function describeFailure(contract: Contract, environment: Environment, trace: Trace, violation: Violation): Failure {
  const { op, rule, expectation, actual, choices } = violation;
  const before = stateBefore(contract, environment, trace, op, choices);
  const state = describeState(before);
  const history = historyOf(before, violation);
  const alternative = alternativeRule(contract, environment, trace, violation);
  const differences = explain(contract, environment, trace);
  return {
    rule: rule.id,
    sentence: rule.sentence,
    source: sourceOf(contract, rule),
    ...(alternative && { alternative }),
    ...(differences.length > 0 && { differences }),
    op,
    expected: describeExpectation(expectation, trace.program.ops[op]!),
    actual: actual ? describeOutcome(actual) : (trace.detail ?? trace.end),
    state,
    history,
    token: toToken(trace.program),
  };
}

/** The effects that made the state before the op, and those that the op itself should have had. */
function historyOf(before: World, { op, expectation }: Violation): HistoryEntry[] {
  return distinct([...before.history, ...expectation.effects.map((rule) => ({ op, rule }))]);
}

/** Whether the failure of a violation names a rule: blamed, as an alternative, or in the history. */
export function names(contract: Contract, environment: Environment, trace: Trace, violation: Violation, rule: string): boolean {
  if (violation.rule.id === rule) return true;
  const before = stateBefore(contract, environment, trace, violation.op, violation.choices);
  if (historyOf(before, violation).some((entry) => entry.rule === rule)) return true;
  return alternativeRule(contract, environment, trace, violation) === rule;
}

function distinct(history: HistoryEntry[]): HistoryEntry[] {
  return history.filter((entry, i) => history.findIndex(({ op, rule }) => op === entry.op && rule === entry.rule) === i);
}

/** A rule's first source in words. */
export function sourceOf(contract: Contract, rule: Rule): string {
  const { source, at } = rule.sources[0]!;
  const known = contract.data.sources.get(source);
  return known ? `${known.title}, ${known.where}: ${at}` : at;
}

/** The rule that would have decided had the blamed one not been there, if it gives the actual answer; else any later one of the handler that does. */
function alternativeRule(contract: Contract, environment: Environment, trace: Trace, { op, rule, actual, choices }: Violation): string | undefined {
  if (!actual || !contract.rules.has(rule.id)) return undefined;
  const without = compileContract(contract.data, contract.parameters, { rule: rule.id, kind: 'removed' });
  const cut = { program: { ...trace.program, ops: trace.program.ops.slice(0, op + 1) }, outcomes: trace.outcomes.slice(0, op + 1) };
  const again = judge(without, environment, cut);
  if (again.kind === 'conforms') {
    const world = stateBefore(contract, environment, trace, op, choices);
    const earlier = new Set(world.history.map((entry) => entry.rule));
    const named = [...again.decided].findLast((id) => !earlier.has(id) && id !== rule.id && allowedBy(contract, id, trace, op));
    if (named) return named;
  }
  const handler = contract.data.handlers.find(({ steps }) => JSON.stringify(steps).includes(`"${rule.id}"`));
  const ids = handler ? [...JSON.stringify(handler.steps).matchAll(/"(?:refuse|read|write|return)":"([a-z0-9_]+)"/g)].map(([, id]) => id!) : [];
  return ids.find((id) => id !== rule.id && contract.rules.has(id) && allowedBy(contract, id, trace, op));
}

function allowedBy(contract: Contract, id: string, trace: Trace, op: number): boolean {
  const outcome = contract.data.rules.get(id)?.outcome;
  return outcome !== undefined && allows(outcome, trace.outcomes[op]!, trace.program.ops[op]!);
}

/** The single parameters that, set otherwise, make the trace conform. */
export function explain(contract: Contract, environment: Environment, trace: Trace): Difference[] {
  const differences: Difference[] = [];
  for (const parameter of contract.data.parameters.values()) {
    for (const value of Object.keys(parameter.values)) {
      if (contract.parameters[parameter.id] === value) continue;
      const other = compileContract(contract.data, { ...contract.parameters, [parameter.id]: value });
      const judgement = judge(other, environment, trace);
      if (judgement.kind !== 'conforms') continue;
      const rules = [...judgement.decided, ...judgement.passed].filter((id) => other.rules.has(id) && !contract.rules.has(id));
      differences.push({ parameter: parameter.id, value, rules });
    }
  }
  return differences;
}
