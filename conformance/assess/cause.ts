import type { Contract } from '../../reference/interpreter/contract.ts';
import { withDefect } from '../../reference/interpreter/contracts.ts';
import { execute } from '../../reference/interpreter/execute.ts';
import { type Expectation, faultOf } from '../../reference/interpreter/expectation.ts';
import { allows, describeExpectation } from '../../reference/interpreter/outcome.ts';
import { Recorder } from '../../reference/interpreter/recorder.ts';
import { judge, stateBefore, type Violation } from '../../reference/judge.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Changed, Environment, Op, Trace } from '../../spec/uapi/vocabulary.ts';
import { alternativeRule, historyOf, upTo } from './named-rules.ts';

/** A failing trace, and where it departs from the contract. */
export interface FailingTrace {
  environment: Environment;
  trace: Trace;
  violation: Violation;
}

/**
 * The rule that a target most likely breaks where it fails as a trace does. `kept` says of a rule whether some trace
 * that conforms depends on it; `others` are failures of the same kind, which the rule should explain as well; `followed` is
 * the contract at another setting that explains them all, if there is one.
 *
 * - If taking away one rule (the deciding one, or one whose effects made the state) makes the traces conform, and the target
 *   keeps it nowhere else, it is that rule.
 * - If another setting explains them, it is the rule of the trace that is not there at that setting.
 * - If taking away a rule that the target keeps elsewhere makes the traces conform, it is that one.
 * - If a transfer is not translated for another reason than expected, it is the rule without which that is the reason.
 * - If the result is right and memory is wrong, it is the rule whose sentence is about the bytes that differ.
 * - If something is refused that should succeed, it is the rule that would refuse it: its sentence is about the state.
 * - Else it is the rule that decides.
 */
export function likelyRule(
  contract: Contract,
  example: FailingTrace,
  others: readonly FailingTrace[],
  kept: (rule: string) => boolean,
  followed: Contract | undefined,
): string {
  const { environment, trace, violation } = example;
  const { op, choices, expectation, actual, rule } = violation;
  const before = stateBefore(contract, environment, trace, op, choices);
  // What was made to fail is a matter of the program, not of the target.
  const own = historyOf(before, violation).filter((entry) => trace.program.ops[entry.op]!.op !== 'inject');
  const effects = [...new Set(own.map((entry) => entry.rule))].reverse();
  before.release();
  const candidates = [...new Set([rule.id, ...effects])].filter((id) => contract.rules.has(id));
  const explaining = candidates.filter((id) => conformsWithout(contract, id, example));
  const best = mostTelling(contract, explaining, others, kept);
  if (best !== undefined && !kept(best)) return best;
  const given = followed && candidates.find((id) => !followed.rules.has(id));
  if (given !== undefined) return given;
  if (best !== undefined) return best;
  if (actual?.fault !== undefined && actual.fault !== faultOf(expectation))
    return (
      effects.find((id) => {
        const without = expectedWithout(contract, id, example);
        return without !== undefined && faultOf(without) === actual.fault;
      }) ?? rule.id
    );
  if (actual && allows(expectation.outcome, actual, trace.program.ops[op]!))
    return ruleOfBytes(contract, example, effects) ?? rule.id;
  if (!contract.rules.has(rule.id)) return ruleOfState(contract, example, effects) ?? rule.id;
  if (actual?.errno !== undefined && expectation.outcome.kind !== 'errno')
    return alternativeRule(contract, environment, trace, violation) ?? rule.id;
  return rule.id;
}

/** Whether a trace conforms, up to the op where it fails, to the contract without a rule. */
function conformsWithout(contract: Contract, rule: string, { environment, trace, violation }: FailingTrace): boolean {
  const without = withDefect(contract, { rule, kind: 'removed' });
  return judge(without, environment, upTo(trace, violation.op)).kind === 'conforms';
}

/** Of rules that explain one failure, those that explain the most others; among them one that is kept nowhere, else the first. */
function mostTelling(
  contract: Contract,
  rules: readonly string[],
  others: readonly FailingTrace[],
  kept: (rule: string) => boolean,
): string | undefined {
  if (rules.length < 2) return rules[0];
  const counts = rules.map((rule) => others.filter((other) => conformsWithout(contract, rule, other)).length);
  const most = Math.max(...counts);
  const best = rules.filter((_, i) => counts[i] === most);
  return best.find((rule) => !kept(rule)) ?? best[0];
}

/** Of effects, the latest first, the one whose rule says what the bytes hold that differ; undefined if none does. */
function ruleOfBytes(contract: Contract, example: FailingTrace, effects: readonly string[]): string | undefined {
  const { trace, violation } = example;
  const { op: index, expectation, actual } = violation;
  const wrong = differing(expectation.changed, actual!.changed ?? []);
  if (wrong.size === 0) return undefined;
  const fields = fieldsAt(trace.program.ops[index]!, wrong);
  const said = effects.find((id) => contract.data.rules.get(id)?.writes?.some((field) => fields.includes(field)));
  if (said !== undefined) return said;
  // The rule without which these bytes, and as few others as possible, are expected to be otherwise.
  const marks = effects.flatMap((id) => {
    const without = expectedWithout(contract, id, example);
    const footprint = without ? differing(expectation.changed, without.changed) : new Set<string>();
    return [...wrong].every((place) => footprint.has(place)) ? [{ id, bytes: footprint.size }] : [];
  });
  const least = Math.min(...marks.map(({ bytes }) => bytes));
  return marks.find(({ bytes }) => bytes === least)?.id;
}

/** Of effects, the latest first, the one without which something else is expected of the op. */
function ruleOfState(contract: Contract, example: FailingTrace, effects: readonly string[]): string | undefined {
  const { trace, violation } = example;
  const op = trace.program.ops[violation.op]!;
  const expected = describeExpectation(violation.expectation, op);
  return effects.find((id) => {
    const without = expectedWithout(contract, id, example);
    return without !== undefined && describeExpectation(without, op) !== expected;
  });
}

/** What would be expected of the op if a rule were not there; undefined where that makes no sense. */
function expectedWithout(
  contract: Contract,
  rule: string,
  { environment, trace, violation }: FailingTrace,
): Expectation | undefined {
  if (!contract.rules.has(rule)) return undefined;
  const without = withDefect(contract, { rule, kind: 'removed' });
  const { op, choices } = violation;
  try {
    const world = stateBefore(without, environment, trace, op, choices);
    return execute(without, world, trace.program.ops[op]!, op, new Recorder(choices[op] ?? []));
  } catch {
    // Later steps may rely on what the rule has made.
    return undefined;
  }
}

/** Places, as `process memory offset`, that hold something else after one set of changes than after another. */
export function differing(one: readonly Changed[], other: readonly Changed[]): Set<string> {
  const [left, right] = [bytesOf(one), bytesOf(other)];
  return new Set([...left.keys(), ...right.keys()].filter((place) => left.get(place) !== right.get(place)));
}

function bytesOf(changed: readonly Changed[]): Map<string, string> {
  const bytes = new Map<string, string>();
  for (const { process = '', memory, at, bytes: hex } of changed)
    for (let i = 0; i < hex.length / 2; i++) bytes.set(`${process} ${memory} ${at + i}`, hex.slice(2 * i, 2 * i + 2));
  return bytes;
}

/** The fields of an ioctl's argument that lie at some places. */
function fieldsAt(op: Op, places: ReadonlySet<string>): string[] {
  if (op.op !== 'ioctl' || !('memory' in op.argument)) return [];
  const { memory, at } = op.argument;
  const structs = Object.values(uapi.ioctls).flatMap(({ number, struct }) =>
    number === Number(op.number) && struct ? [uapi.structs[struct]!] : [],
  );
  return structs.flatMap(({ fields }) =>
    fields.flatMap((field) => {
      const bytes = Array.from({ length: field.width }, (_, i) => ` ${memory} ${at + field.at + i}`);
      return bytes.some((place) => places.has(place)) ? [field.name] : [];
    }),
  );
}
