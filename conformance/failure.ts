import { type Contract, compileContract } from '../reference/contract.ts';
import { judge, stateBefore, type Violation } from '../reference/judge.ts';
import { allows, describeExpectation, describeOutcome } from '../reference/outcome.ts';
import { describeState, type World } from '../reference/state.ts';
import { selected } from '../spec/contract/selected.ts';
import { lacking } from '../spec/contract/setting.ts';
import type { Handler, Rule, Step, When } from '../spec/contract/types.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { Difference, Environment, Failure, HistoryEntry, Trace } from '../spec/uapi/vocabulary.ts';
import { toToken } from './token.ts';

/** Everything that a reader needs to understand a violation, and one word that replays it. */
export function describeFailure(
  contract: Contract,
  environment: Environment,
  trace: Trace,
  violation: Violation,
): Failure {
  const { op, expectation, actual, choices } = violation;
  const before = stateBefore(contract, environment, trace, op, choices);
  const state = describeState(before);
  const history = historyOf(before, violation);
  const explanations = explain(contract, environment, trace);
  const rule = contract.data.rules.get(blamed(violation, history, explanations)) ?? violation.rule;
  const alternative = explanations[0]?.alternative ?? alternativeRule(contract, environment, trace, violation);
  return {
    rule: rule.id,
    sentence: rule.sentence,
    source: sourceOf(contract, rule),
    ...(alternative && { alternative }),
    ...(explanations.length > 0 && { differences: explanations.map(({ difference }) => difference) }),
    op,
    expected: describeExpectation(expectation, trace.program.ops[op]!),
    actual: actual ? describeOutcome(actual) : (trace.detail ?? trace.end),
    state,
    history,
    token: toToken(trace.program),
  };
}

/** Where one parameter explains everything, the rule that its value brings in and the trace came through; else the one that decides. */
function blamed({ rule }: Violation, history: readonly HistoryEntry[], explanations: readonly Explanation[]): string {
  if (explanations.length !== 1) return rule.id;
  const [{ without }] = explanations as [Explanation];
  return [rule.id, ...history.map((entry) => entry.rule)].find((id) => without.has(id)) ?? rule.id;
}

/** The effects that made the state before the op, and those that the op itself should have had. */
function historyOf(before: World, { op, expectation }: Violation): HistoryEntry[] {
  return distinct([...before.history, ...expectation.effects.map((rule) => ({ op, rule }))]);
}

/** Whether the failure of a violation names a rule: blamed, as an alternative, or in the history. */
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

function distinct(history: HistoryEntry[]): HistoryEntry[] {
  return history.filter(
    (entry, i) => history.findIndex(({ op, rule }) => op === entry.op && rule === entry.rule) === i,
  );
}

/** A rule's first source in words. */
function sourceOf(contract: Contract, rule: Rule): string {
  const { source, at } = rule.sources[0]!;
  const known = contract.data.sources.get(source);
  return known ? `${known.title}, ${known.where}: ${at}` : at;
}

/**
 * A rule that would have given the actual answer: the one that decides once the blamed rule is taken away, else the
 * only one of the handler that gives it. None where the answer is right and memory is wrong.
 */
function alternativeRule(
  contract: Contract,
  environment: Environment,
  trace: Trace,
  { op, rule, expectation, actual, choices }: Violation,
): string | undefined {
  if (!actual || !contract.rules.has(rule.id) || allows(expectation.outcome, actual, trace.program.ops[op]!))
    return undefined;
  const without = compileContract(contract.data, contract.parameters, { rule: rule.id, kind: 'removed' });
  const cut = {
    program: { ...trace.program, ops: trace.program.ops.slice(0, op + 1) },
    outcomes: trace.outcomes.slice(0, op + 1),
  };
  const again = judge(without, environment, cut);
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
  return steps.flatMap(({ refuse, read, write, return: result, case: one, steps: inner = [] }) => {
    const id = refuse ?? read ?? write ?? result ?? one;
    return [...(id === undefined ? [] : [id]), ...deciding(inner)];
  });
}

function allowedBy(contract: Contract, id: string, trace: Trace, op: number): boolean {
  const outcome = contract.data.rules.get(id)?.outcome;
  return (
    outcome !== undefined && !('undefined' in outcome) && allows(outcome, trace.outcomes[op]!, trace.program.ops[op]!)
  );
}

/** A setting of a few parameters under which a trace conforms. */
interface Explanation {
  difference: Difference;
  /** Rules that are not there at that setting. */
  without: ReadonlySet<string>;
  /** The rule of that setting that gives the actual answer. */
  alternative: string | undefined;
}

/** The single parameters that, set otherwise, make the trace conform; if none does alone, the pairs that do. */
function explain(contract: Contract, environment: Environment, trace: Trace): Explanation[] {
  const single = otherSettings(contract);
  // Of two at once only those that can matter to the program: there are many.
  const touching = () =>
    single.filter(([parameter]) => handlersOf(contract, parameter).some((one) => reaches(trace, one)));
  const pairs = () =>
    touching().flatMap((a, i, all) => all.slice(i + 1).flatMap((b) => (a[0] === b[0] ? [] : [[a, b]])));
  const judged = (settings: Setting[][]) => settings.flatMap((one) => explainBy(contract, environment, trace, one));
  const explanations = judged(single.map((one) => [one]));
  return explanations.length > 0 ? explanations : judged(pairs());
}

/** A parameter and what it is set to. */
export type Setting = [parameter: string, value: string];

/** Every other value of every parameter that says something here, as far as it is possible. */
function otherSettings({ data, parameters }: Contract): Setting[] {
  return [...data.parameters.values()].flatMap(({ id, values, matters }) =>
    Object.keys(values).flatMap((value): Setting[] => {
      const setting = { ...parameters, [id]: value };
      return parameters[id] === value || !selected(matters, parameters) || lacking(data, setting) ? [] : [[id, value]];
    }),
  );
}

/** Handlers with a step that a parameter selects, by contract data and parameter. */
const selecting = new WeakMap<Contract['data'], Map<string, Handler[]>>();

function handlersOf({ data }: Contract, parameter: string): Handler[] {
  const known = selecting.get(data) ?? new Map<string, Handler[]>();
  selecting.set(data, known);
  let handlers = known.get(parameter);
  if (!handlers) {
    handlers = data.handlers.filter(({ steps }) => whens(steps).some((when) => parameter in when));
    known.set(parameter, handlers);
  }
  return handlers;
}

const whens = (steps: readonly Step[]): When[] =>
  steps.flatMap(({ when, steps: inner = [] }) => [...(when ? [when] : []), ...whens(inner)]);

/** Whether a program has an op that a handler is for; tables are for the requests that reach the IOMMU driver. */
function reaches({ program }: Trace, { ioctl, op, table }: Handler): boolean {
  const numbers = ioctl === undefined ? [] : [uapi.ioctls[ioctl]?.number];
  if (table) numbers.push(uapi.ioctls.VFIO_IOMMU_BIND!.number, uapi.ioctls.VFIO_IOMMU_CACHE_INVALIDATE!.number);
  return program.ops.some((one) =>
    one.op === 'ioctl' ? numbers.includes(Number(one.number)) : op !== undefined && op.split(' ')[0] === one.op,
  );
}

/** Contracts at other settings, by the contract that they come from: every failure asks for the same ones. */
const compiled = new WeakMap<Contract, Map<string, Contract>>();

/** A contract with some parameters set otherwise; compiled once. */
export function atSetting(contract: Contract, settings: readonly Setting[]): Contract {
  const known = compiled.get(contract) ?? new Map<string, Contract>();
  compiled.set(contract, known);
  const key = settings.join();
  let other = known.get(key);
  if (!other) {
    other = compileContract(contract.data, { ...contract.parameters, ...Object.fromEntries(settings) });
    known.set(key, other);
  }
  return other;
}

function explainBy(contract: Contract, environment: Environment, trace: Trace, settings: Setting[]): Explanation[] {
  const other = atSetting(contract, settings);
  const judgement = judge(other, environment, trace);
  if (judgement.kind !== 'conforms') return [];
  const rules = [...judgement.decided, ...judgement.passed].filter(
    (id) => other.rules.has(id) && !contract.rules.has(id),
  );
  const without = new Set([...contract.rules].filter((id) => !other.rules.has(id)));
  const set = settings.map(([parameter, value]) => `${parameter}=${value}`);
  return [{ difference: { set, rules }, without, alternative: rules[0] }];
}
