import type { RuleOutcome } from '../../spec/contract/types.ts';
import { fromBigInt, toBigInt } from '../../spec/uapi/integer.ts';
import type { Changed, Integer, Op, Outcome } from '../../spec/uapi/vocabulary.ts';
import type { Expectation, Output } from './expectation.ts';

/** Whether an outcome is one that a rule allows. */
export function allows(expected: RuleOutcome, actual: Outcome, op: Op): boolean {
  const { value } = actual;
  switch (expected.kind) {
    case 'undefined':
      return true;
    case 'errno':
      return actual.errno === expected.errno;
    case 'fd':
      return actual.fd !== undefined && actual.fd === nameOf(op);
    case 'one_of':
      return expected.outcomes.some((one) => allows(one, actual, op));
    case 'range':
      return (
        value !== undefined && toBigInt(value) >= BigInt(expected.first) && toBigInt(value) <= BigInt(expected.last)
      );
    case 'value':
      // What the effect of a rule works out is known only where that rule decided, and in place by now.
      if (value === undefined || expected.value === 'result') return false;
      return value === expected.value || toBigInt(value) === BigInt(expected.value);
    default:
      return expected satisfies never;
  }
}

/** The name of the descriptor that an op makes. */
export const nameOf = (op: Op): string | undefined => ('as' in op ? op.as : undefined);

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
  const { outcome, changed, output } = expectation;
  const result: Outcome | undefined = single(outcome, op);
  if (!result) return undefined;
  if (changed.length > 0) result.changed = changed;
  if (output.kind !== 'none') Object.assign(result, asOutcome(output));
  return result;
}

function single(outcome: RuleOutcome, op: Op): Outcome | undefined {
  switch (outcome.kind) {
    case 'errno':
      return { errno: outcome.errno };
    case 'fd':
      return { fd: nameOf(op)! };
    case 'value':
      // What an effect has worked out is in place already.
      return { value: outcome.value as number };
    case 'range':
      // Of bytes that could not be copied all, where one of them is as good.
      return { value: outcome.last };
    case 'one_of':
      return outcome.outcomes[0] && single(outcome.outcomes[0], op);
    case 'undefined':
      return undefined;
    default:
      return outcome satisfies never;
  }
}

/** What an op gives beside its result, as an outcome shows it. */
export function asOutcome(output: Output): Pick<Outcome, 'bytes' | 'saved' | 'fault'> {
  switch (output.kind) {
    case 'none':
      return {};
    case 'bytes':
      return { bytes: output.bytes };
    case 'fault':
      return { fault: output.fault };
    case 'saved':
      return {
        saved: Object.fromEntries(Object.entries(output.saved).map(([name, value]) => [name, fromBigInt(value)])),
      };
    default:
      return output satisfies never;
  }
}

/** An expectation in words. */
export function describeExpectation({ outcome, changed, output }: Expectation, op: Op): string {
  const { bytes, saved, fault } = asOutcome(output);
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
  saved: Record<string, Integer> | undefined,
  fault: string | undefined,
): string {
  const outputs = Object.entries(saved ?? {}).map(([name, value]) => `${name} is 0x${BigInt(value).toString(16)}`);
  return [result, fault ?? '', describeChanges(changed), bytes === undefined ? '' : `bytes ${bytes}`, ...outputs]
    .filter(Boolean)
    .join('; ');
}

function describeRuleOutcome(outcome: RuleOutcome, op: Op): string {
  switch (outcome.kind) {
    case 'errno':
      return outcome.errno;
    case 'fd':
      return `returns the descriptor ${nameOf(op)}`;
    case 'value':
      return `returns ${outcome.value}`;
    case 'range':
      return `returns ${outcome.first} to ${outcome.last}`;
    case 'one_of':
      return outcome.outcomes.map((one) => describeRuleOutcome(one, op)).join(' or ');
    case 'undefined':
      return 'anything';
    default:
      return outcome satisfies never;
  }
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
