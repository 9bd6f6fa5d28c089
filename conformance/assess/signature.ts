import { match } from 'ts-pattern';
import { allows, asOutcome, sameChanges } from '../../reference/interpreter/outcome.ts';
import type { Violation } from '../../reference/judge.ts';
import type { RuleOutcome } from '../../spec/contract/types.ts';
import type { Op, Outcome, Signature } from '../../spec/uapi/vocabulary.ts';

/** What a violation is. `end`: how the program ended, for an op that did not return. */
export function signatureOf({ rule, expectation, actual }: Violation, op: Op, end: string): Signature {
  return {
    rule: rule.id,
    handler: expectation.handler,
    op: op.op,
    expected: expectedClass(expectation.outcome),
    actual: actual ? actualClass(expectation, actual, op) : end,
  };
}

/** A signature as one word, to group by. */
export const signatureKey = ({ rule, handler, op, expected, actual }: Signature): string =>
  JSON.stringify([rule, handler, op, expected, actual]);

function expectedClass(outcome: RuleOutcome): string {
  return match(outcome)
    .with({ kind: 'errno' }, ({ errno }) => errno)
    .with({ kind: 'fd' }, () => 'fd')
    .with({ kind: 'value' }, ({ value }) => (value === 0 ? '0' : 'value'))
    .with({ kind: 'range' }, () => 'value')
    .with({ kind: 'one_of' }, ({ outcomes }) => [...new Set(outcomes.map(expectedClass))].join(' or '))
    .with({ kind: 'undefined' }, () => 'anything')
    .exhaustive();
}

function actualClass({ outcome, changed, output }: Violation['expectation'], actual: Outcome, op: Op): string {
  const { bytes, fault } = asOutcome(output);
  const own = resultClass(actual);
  if (!allows(outcome, actual, op)) return own === expectedClass(outcome) ? `another ${own}` : own;
  if (bytes !== actual.bytes) return `${own}, other bytes`;
  if (actual.fault !== undefined && fault !== actual.fault) return `${own}, another fault`;
  return sameChanges(changed, actual.changed) ? `${own}, other output saved` : `${own}, other memory`;
}

function resultClass({ errno, fd, value }: Outcome): string {
  if (errno !== undefined) return errno;
  if (fd !== undefined) return 'fd';
  return BigInt(value!) === 0n ? '0' : 'value';
}
