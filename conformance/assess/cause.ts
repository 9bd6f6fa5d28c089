import { type Contract, compileContract } from '../../reference/contract.ts';
import { withDefect } from '../../reference/contracts.ts';
import { execute } from '../../reference/execute.ts';
import { judge, stateBefore, type Violation } from '../../reference/judge.ts';
import { allows } from '../../reference/outcome.ts';
import { Recorder } from '../../reference/recorder.ts';
import type { World } from '../../reference/state.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Changed, Environment, Op, Trace } from '../../spec/uapi/vocabulary.ts';
import { historyOf, upTo } from './named-rules.ts';

/** A failing trace, and where it departs from the contract. */
export interface FailingTrace {
  environment: Environment;
  trace: Trace;
  violation: Violation;
}

/**
 * The rule that a target most likely breaks where it fails as a trace does. `kept` tells of a rule whether some trace
 * that conforms depends on it; `others` are failures of the same kind, which the rule should explain as well.
 *
 * - If taking away one rule (the deciding one, or one whose effects made the state) makes the traces conform, it is that
 *   rule: first one that the target keeps nowhere, then one that it keeps elsewhere.
 * - If the result is right and memory is wrong, it is the rule whose sentence is about the bytes that differ.
 * - Else it is the rule that decides.
 */
export function likelyRule(
  contract: Contract,
  example: FailingTrace,
  others: readonly FailingTrace[],
  kept: (rule: string) => boolean,
): string {
  const { environment, trace, violation } = example;
  const { op, choices } = violation;
  const before = stateBefore(contract, environment, trace, op, choices);
  const memoryIsWrong =
    violation.actual !== undefined && allows(violation.expectation.outcome, violation.actual, trace.program.ops[op]!);
  const effects = [...new Set(historyOf(before, violation).map(({ rule }) => rule))].reverse();
  const candidates = [...new Set([violation.rule.id, ...effects])].filter((id) => contract.rules.has(id));
  const explaining = candidates.filter((id) => conformsWithout(contract, id, example));
  const best = mostTelling(contract, explaining, others, kept);
  if (best !== undefined) return best;
  if (memoryIsWrong) return ruleOfBytes(contract, example, before) ?? violation.rule.id;
  return violation.rule.id;
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

/** The effect of an op whose rule says what the bytes hold that differ; undefined if none does. */
function ruleOfBytes(contract: Contract, example: FailingTrace, before: World): string | undefined {
  const { environment, trace, violation } = example;
  const { op: index, expectation, actual, choices } = violation;
  const op = trace.program.ops[index]!;
  const wrong = differing(expectation.changed, actual!.changed ?? []);
  const effects = [...new Set(expectation.effects)];
  const fields = fieldsAt(op, wrong);
  const said = effects.findLast((id) => contract.data.rules.get(id)?.writes?.some((field) => fields.includes(field)));
  if (said !== undefined) return said;
  // The rule without which these bytes, and as few others as possible, come out otherwise.
  before.release();
  const marks = effects.flatMap((id) => {
    const without = compileContract(contract.data, contract.parameters, { rule: id, kind: 'removed' });
    const world = stateBefore(contract, environment, trace, index, choices);
    const { changed } = execute(without, world, op, index, new Recorder([]));
    world.release();
    const footprint = differing(expectation.changed, changed);
    return [...wrong].every((place) => footprint.has(place)) ? [{ id, bytes: footprint.size }] : [];
  });
  const least = Math.min(...marks.map(({ bytes }) => bytes));
  return marks.findLast(({ bytes }) => bytes === least)?.id;
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
