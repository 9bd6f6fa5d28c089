import type { Contract } from '../../reference/interpreter/contract.ts';
import { describeExpectation, describeOutcome } from '../../reference/interpreter/outcome.ts';
import type { Violation } from '../../reference/judge.ts';
import type { Rule } from '../../spec/contract/types.ts';
import type { Failure, Trace } from '../../spec/uapi/vocabulary.ts';
import { toToken } from '../running/token.ts';
import { signatureOf } from './signature.ts';

/** What is kept of a violation with its case: what it is, and what replays it. Why is asked of the groups that are shown. */
export function toFailure(contract: Contract, trace: Trace, violation: Violation): Failure {
  const { op, rule, expectation, actual } = violation;
  const { program, detail, end } = trace;
  return {
    signature: signatureOf(violation, program.ops[op]!, end),
    sentence: rule.sentence,
    source: sourceOf(contract, rule),
    op,
    expected: describeExpectation(expectation, program.ops[op]!),
    actual: actual ? describeOutcome(actual) : (detail ?? end),
    token: toToken(program),
  };
}

/** The rule that a target breaks which crashes, hangs or logs an oops, whatever the outcomes were. */
export const SURVIVES = 'target_survives';

/** A target that did not survive a program, or whose kernel reported a `fault` meanwhile. */
export function notSurvived({ program, outcomes, end, detail }: Trace, fault?: string): Failure {
  const op = Math.min(outcomes.length, program.ops.length - 1);
  const why = fault === undefined ? detail : `The kernel reported a fault: ${fault}`;
  return {
    signature: {
      rule: SURVIVES,
      handler: SURVIVES,
      op: program.ops[op]?.op ?? 'none',
      expected: 'completed',
      actual: end !== 'completed' ? end : fault === undefined ? 'no return' : 'fault',
    },
    sentence: 'Whatever a program asks for, the implementation goes on working.',
    source: 'Decisions of this project, docs/decisions/: 0002',
    op,
    expected: 'every op returns',
    actual: `${end} after ${outcomes.length} of ${program.ops.length} ops${why ? `: ${why}` : ''}`,
    token: toToken(program),
  };
}

/** A rule's first source in words. */
export function sourceOf(contract: Contract, rule: Rule): string {
  const { source, at } = rule.sources[0]!;
  const known = contract.data.sources.get(source);
  return known ? `${known.title}, ${known.where}: ${at}` : at;
}
