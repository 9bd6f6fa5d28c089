import type { RuleOutcome } from '../spec/contract/types.ts';
import { fromBigInt, toBigInt } from '../spec/uapi/integer.ts';
import type { Changed, Integer, Op, Outcome } from '../spec/uapi/vocabulary.ts';
import type { Expectation } from './execute.ts';

/** Whether an outcome is one that a rule allows. */
export function allows(expected: RuleOutcome, actual: Outcome, op: Op): boolean {
  if ('undefined' in expected) return true;
  if ('errno' in expected) return actual.errno === expected.errno;
  if ('fd' in expected) return actual.fd !== undefined && actual.fd === (op as { as?: string }).as;
  if ('oneOf' in expected) return expected.oneOf.some((one) => allows(one, actual, op));
  if (actual.value === undefined) return false;
  if ('range' in expected)
    return toBigInt(actual.value) >= BigInt(expected.range[0]) && toBigInt(actual.value) <= BigInt(expected.range[1]);
  // What the effect of a rule works out is known only where that rule decided, and in place by now.
  if (expected.value === 'result') return false;
  return actual.value === expected.value || toBigInt(actual.value) === BigInt(expected.value);
}

/** Whether memory changed as expected: the same runs in the same order. */
export function sameChanges(expected: readonly Changed[], actual: readonly Changed[] | undefined): boolean {
  if (expected.length !== (actual?.length ?? 0)) return false;
  return expected.every((one, i) => {
    const other = actual![i]!;
    return (
      one.memory === other.memory && one.at === other.at && one.bytes === other.bytes && one.process === other.process
    );
  });
}

/** An outcome that an implementation which follows the contract gives; undefined where the contract says nothing. */
export function toOutcome(expectation: Expectation, op: Op): Outcome | undefined {
  const { outcome, changed, bytes, saved, fault } = expectation;
  const result: Outcome | undefined = single(outcome, op);
  if (!result) return undefined;
  if (changed.length > 0) result.changed = changed;
  if (bytes !== undefined) result.bytes = bytes;
  if (fault !== undefined) result.fault = fault;
  if (saved) result.saved = Object.fromEntries(Object.entries(saved).map(([name, value]) => [name, fromBigInt(value)]));
  return result;
}

function single(outcome: RuleOutcome, op: Op): Outcome | undefined {
  if ('errno' in outcome) return { errno: outcome.errno };
  if ('fd' in outcome) return { fd: (op as { as: string }).as };
  // What an effect has worked out is in place already.
  if ('value' in outcome) return { value: outcome.value as number };
  // Of bytes that could not be copied all, where one of them is as good.
  if ('range' in outcome) return { value: outcome.range[1] };
  if ('oneOf' in outcome) return outcome.oneOf[0] && single(outcome.oneOf[0], op);
  return undefined;
}

/** An expectation in words. */
export function describeExpectation({ outcome, changed, bytes, saved, fault }: Expectation, op: Op): string {
  return inWords(describeRuleOutcome(outcome, op), changed, bytes, saved, fault);
}

/** An outcome in words. */
export function describeOutcome({ errno, fd, value, changed = [], bytes, saved, fault }: Outcome): string {
  return inWords(
    errno ?? (fd === undefined ? `returns ${value}` : `returns the descriptor ${fd}`),
    changed,
    bytes,
    saved,
    fault,
  );
}

function inWords(
  result: string,
  changed: readonly Changed[],
  bytes: string | undefined,
  saved: Record<string, Integer | bigint> | undefined,
  fault: string | undefined,
): string {
  const outputs = Object.entries(saved ?? {}).map(([name, value]) => `${name} is 0x${BigInt(value).toString(16)}`);
  return [result, fault ?? '', describeChanges(changed), bytes === undefined ? '' : `bytes ${bytes}`, ...outputs]
    .filter(Boolean)
    .join('; ');
}

function describeRuleOutcome(outcome: RuleOutcome, op: Op): string {
  if ('errno' in outcome) return outcome.errno;
  if ('fd' in outcome) return `returns the descriptor ${(op as { as?: string }).as}`;
  if ('value' in outcome) return `returns ${outcome.value}`;
  if ('range' in outcome) return `returns ${outcome.range[0]} to ${outcome.range[1]}`;
  if ('oneOf' in outcome) return outcome.oneOf.map((one) => describeRuleOutcome(one, op)).join(' or ');
  return 'anything';
}

function describeChanges(changed: readonly Changed[]): string {
  return changed
    .map(
      ({ process, memory, at, bytes }) =>
        `${process ? `${process} ` : ''}${memory}[${at}..${at + bytes.length / 2 - 1}] becomes ${shorten(bytes)}`,
    )
    .join(', ');
}

function shorten(bytes: string): string {
  return bytes.length <= 48 ? bytes : `${bytes.slice(0, 48)}... (${bytes.length / 2} bytes)`;
}
