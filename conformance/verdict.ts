import type { Contract } from '../reference/contract.ts';
import { type Judgement, judge } from '../reference/judge.ts';
import type { Environment, Failure, RecordCase, Trace, Verdict } from '../spec/uapi/vocabulary.ts';
import { describeFailure } from './failure.ts';
import { toToken } from './token.ts';

/** What a case is worth, and why. */
export interface CaseVerdict {
  verdict: Verdict;
  reason?: string;
  failure?: Failure;
  judgement: Judgement;
}

/** Errnos that an implementation may give for reasons of its own. */
const ownReasons = new Set(['ENOMEM', 'EINTR', 'EAGAIN']);

/**
 * Judges what a target did. `strict`: the target has no reasons of its own to run out of memory or be interrupted,
 * so that such an errno without a rule is a failure and not inconclusive.
 */
export function decide(contract: Contract, environment: Environment, trace: Trace, strict: boolean): CaseVerdict {
  const judgement = judge(contract, environment, trace);
  const survived = trace.end === 'completed' || trace.end === 'unsupported';
  if (judgement.kind === 'violates') {
    const { actual, expectation, op } = judgement.violation;
    const transient = actual?.errno !== undefined && ownReasons.has(actual.errno) && !('errno' in expectation.outcome);
    if (transient && survived && !strict) {
      return {
        verdict: 'inconclusive',
        reason: `op ${op} answered ${actual.errno}, for which no rule stands`,
        judgement,
      };
    }
    return { verdict: 'fail', failure: describeFailure(contract, environment, trace, judgement.violation), judgement };
  }
  if (!survived) return { verdict: 'fail', failure: notSurvived(trace), judgement };
  if (judgement.kind === 'malformed') return { verdict: 'not-applicable', reason: judgement.reason, judgement };
  if (trace.end === 'unsupported') {
    return { verdict: 'not-applicable', reason: trace.detail ?? 'the target cannot run it', judgement };
  }
  if (judgement.kind === 'undefined') {
    return { verdict: 'undefined', reason: `op ${judgement.op}: ${judgement.rule.sentence}`, judgement };
  }
  if (trace.outcomes.length < trace.program.ops.length)
    return { verdict: 'fail', failure: notSurvived(trace), judgement };
  const { feature } = trace.program;
  const absent = feature !== undefined && contract.parameters[feature] === 'absent';
  return { verdict: absent ? 'absent' : 'pass', judgement };
}

/** A target that crashes, hangs or logs an oops fails the case, whatever the outcomes were. */
export function notSurvived(trace: Trace): Failure {
  return {
    rule: 'target_survives',
    sentence: 'Whatever a program asks for, the implementation goes on working.',
    source: 'Decisions of this project, docs/decisions/: 0002',
    op: Math.min(trace.outcomes.length, trace.program.ops.length - 1),
    expected: 'every op returns',
    actual: `${trace.end} after ${trace.outcomes.length} of ${trace.program.ops.length} ops${trace.detail ? `: ${trace.detail}` : ''}`,
    state: [],
    history: [],
    token: toToken(trace.program),
  };
}

/** The line of a record for a case. */
export function toRecordCase(suite: string, trace: Trace, { verdict, reason, failure }: CaseVerdict): RecordCase {
  return { kind: 'case', suite, trace, verdict, ...(reason && { reason }), ...(failure && { failure }) };
}
