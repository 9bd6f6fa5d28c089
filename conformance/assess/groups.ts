import type { Contract } from '../../reference/interpreter/contract.ts';
import { allows } from '../../reference/interpreter/outcome.ts';
import { judge, stateBefore } from '../../reference/judge.ts';
import { describeState } from '../../reference/state/state.ts';
import type {
  Environment,
  ExplainingSetting,
  Explanation,
  FailureGroup,
  RecordCase,
} from '../../spec/uapi/vocabulary.ts';
import { kindOfMachine } from '../suites/suite.ts';
import { differing, type FailingTrace, likelyRule } from './cause.ts';
import type { WitnessTrace } from './coverage.ts';
import { SURVIVES, sourceOf } from './failure.ts';
import { alternativeRule, historyOf, upTo } from './named-rules.ts';
import { type Assignment, changedRules, settingsForAll, withAssignments } from './settings.ts';
import { signatureKey } from './signature.ts';

/** Groups that are explained; of more than these nobody reads. */
const EXPLAINED = 40;
/** Failures of a group of which it is asked whether a rule explains them as well. */
const ASKED = 8;

/** A setting that changes more rules does not say which of them it is. */
const FEW = 12;

/** A failing case, and the machine that it ran on. */
export interface FailedCase {
  one: RecordCase;
  environment: Environment;
}

/** What is known of the traces that conform. */
export interface Conforming {
  /** See Coverage. */
  reached(rule: string): unknown;
  witnesses(rule: string, most: number): Iterable<WitnessTrace>;
}

/** Failures by what they are, the largest group first, each shown by its shortest program. */
export function groupsOf(contract: Contract, failed: readonly FailedCase[], conforming: Conforming): FailureGroup[] {
  const bySignature = new Map<string, FailedCase[]>();
  for (const one of failed) {
    const key = signatureKey(one.one.failure!.signature);
    const members = bySignature.get(key);
    if (members) members.push(one);
    else bySignature.set(key, [one]);
  }
  return [...bySignature.values()]
    .sort((a, b) => b.length - a.length)
    .map((members, i) => {
      const example = members.reduce((least, one) => (lengthOf(one) < lengthOf(least) ? one : least));
      const { failure, trace } = example.one;
      const explanation =
        i < EXPLAINED && failure!.signature.rule !== SURVIVES
          ? explain(contract, members, example, conforming)
          : undefined;
      return {
        signature: failure!.signature,
        count: members.length,
        machine: kindOfMachine(example.environment),
        program: trace.program.id,
        ...(explanation && { explanation }),
      };
    });
}

/** Ops up to the one that fails. */
const lengthOf = ({ one }: FailedCase): number => one.failure!.op;

function explain(
  contract: Contract,
  members: readonly FailedCase[],
  example: FailedCase,
  conforming: Conforming,
): Explanation | undefined {
  const failing = failingTrace(contract, example);
  if (!failing) return undefined;
  const { environment, trace, violation } = failing;
  const others = members.filter((one) => one !== example);
  const asked = others.slice(0, ASKED).flatMap((one) => failingTrace(contract, one) ?? []);
  const settings = settingsThatExplain(contract, failing, others, conforming);
  const [least] = settings;
  const followed = least && least.setting.changes <= FEW ? withAssignments(contract, least.assignments) : undefined;
  const kept = (id: string) => conforming.reached(id) !== undefined;
  const rule = contract.data.rules.get(likelyRule(contract, failing, asked, kept, followed)) ?? violation.rule;
  const { actual, expectation, op } = violation;
  const otherResult = actual && !allows(expectation.outcome, actual, trace.program.ops[op]!);
  const alternative =
    (least && otherResult && lastRule(withAssignments(contract, least.assignments), failing)) ||
    alternativeRule(contract, environment, trace, violation);
  const before = stateBefore(contract, environment, trace, violation.op, violation.choices);
  return {
    rule: rule.id,
    sentence: rule.sentence,
    source: sourceOf(contract, rule),
    ...(alternative !== undefined && { alternative }),
    settings: settings.map(({ setting }) => setting),
    state: describeState(before),
    history: historyOf(before, violation),
  };
}

/** The rule that decides the failing op at another setting; undefined if that does not allow it either. */
function lastRule(contract: Contract, { environment, trace, violation }: FailingTrace): string | undefined {
  const judgement = judge(contract, environment, upTo(trace, violation.op));
  return judgement.kind === 'conforms' ? judgement.last?.id : undefined;
}

/** Settings under which all failures of a group conform, and what conforms now as well; the one that changes the fewest rules first. */
function settingsThatExplain(
  contract: Contract,
  { environment, trace }: FailingTrace,
  others: readonly FailedCase[],
  conforming: Conforming,
): { assignments: readonly Assignment[]; setting: ExplainingSetting }[] {
  const cases = [{ environment, trace }, ...others.map(({ one, environment }) => ({ environment, trace: one.trace }))];
  return settingsForAll(
    contract,
    cases,
    (other, one) => fits(other, one.environment, one.trace),
    (other, one) => agreement(other, one.environment, one.trace),
  )
    .filter((assignments) => {
      const other = withAssignments(contract, assignments);
      // Where it says nothing of any of them, it explains nothing.
      const says = cases.some((one) => judge(other, one.environment, one.trace).kind === 'conforms');
      return says && !isRefuted(contract, other, conforming);
    })
    .map((assignments) => {
      const other = withAssignments(contract, assignments);
      const judgement = judge(other, environment, trace);
      const met = judgement.kind === 'conforms' ? [...judgement.decided, ...judgement.passed] : [];
      const setting = {
        set: assignments.map(([parameter, value]) => `${parameter}=${value}`),
        rules: [...new Set(met)].filter((id) => other.rules.has(id) && !contract.rules.has(id)),
        changes: changedRules(contract, other).length,
      };
      return { assignments, setting };
    })
    .sort((a, b) => a.setting.changes - b.setting.changes);
}

/** Whether a contract allows a trace, up to where it may not say what happens. */
function fits(contract: Contract, environment: Environment, trace: RecordCase['trace']): boolean {
  const { kind } = judge(contract, environment, trace);
  return kind === 'conforms' || kind === 'undefined';
}

/** Traces of a rule that are asked whether they conform to another setting. */
const WITNESSES = 6;

/** Whether a target that follows another setting cannot have done what it did where it conforms. */
function isRefuted(contract: Contract, other: Contract, conforming: Conforming): boolean {
  return changedRules(contract, other)
    .filter((id) => contract.rules.has(id))
    .some((id) =>
      [...conforming.witnesses(id, WITNESSES)].some(
        ({ environment, trace }) => judge(other, environment, trace).kind === 'violates',
      ),
    );
}

/** How far a trace agrees with a contract: ops, and of the bytes that the op where it fails should change the share that it does. */
function agreement(contract: Contract, environment: Environment, trace: RecordCase['trace']): number {
  const judgement = judge(contract, environment, trace);
  if (judgement.kind !== 'violates') return judgement.ops;
  const { op, expectation, actual } = judgement.violation;
  if (!actual || !allows(expectation.outcome, actual, trace.program.ops[op]!)) return op;
  const wrong = differing(expectation.changed, actual.changed ?? []).size;
  return op + 1 / (2 + wrong);
}

function failingTrace(contract: Contract, { one: { trace }, environment }: FailedCase): FailingTrace | undefined {
  const judgement = judge(contract, environment, trace);
  return judgement.kind === 'violates' ? { environment, trace, violation: judgement.violation } : undefined;
}
