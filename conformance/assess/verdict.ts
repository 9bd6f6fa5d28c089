import type { Contract } from '../../reference/interpreter/contract.ts';
import { type Judgement, judge, type Observer } from '../../reference/judge.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Environment, Failure, Trace, Verdict } from '../../spec/uapi/vocabulary.ts';
import { notSurvived, toFailure } from './failure.ts';
import { withAssignments } from './settings.ts';

/** What a case is worth, and why. */
export interface CaseVerdict {
  verdict: Verdict;
  reason?: string;
  failure?: Failure;
  /** The feature that the program probes would not make a difference: it is no evidence for either. */
  either?: true;
  judgement: Judgement;
}

/** Errnos that an implementation may give for reasons of its own. */
const ownReasons = new Set(['ENOMEM', 'EINTR', 'EAGAIN']);

/**
 * Judges what a target did. `strict`: the target has no reasons of its own to run out of memory or be interrupted,
 * so that such an errno without a rule is a failure and not inconclusive. `observer` sees the trace being judged.
 */
export function decide(
  contract: Contract,
  environment: Environment,
  trace: Trace,
  strict: boolean,
  observer?: Observer,
): CaseVerdict {
  const judgement = judge(contract, environment, trace, observer);
  // What carries the implementation failed: nothing that came of it is evidence.
  if (trace.end === 'lost')
    return { verdict: 'inconclusive', reason: trace.detail ?? 'the target was lost', judgement };
  const fault = unexpectedFault(contract, trace, judgement);
  const survived = (trace.end === 'completed' || trace.end === 'unsupported') && fault === undefined;
  const { feature } = trace.program;
  const without = feature === undefined ? undefined : withoutFeature(contract, feature);
  if (judgement.kind === 'violates') {
    const lacking = without ? [without, withoutFeatures(contract)] : [];
    // Where a feature is absent, the contract may have nothing to say of what comes after.
    const absent = (one: Contract) => ['conforms', 'undefined'].includes(judge(one, environment, trace).kind);
    if (survived && lacking.some(absent))
      return { verdict: 'absent', reason: `conforms as if ${feature} were absent`, judgement };
    const { actual, expectation, op } = judgement.violation;
    const transient =
      actual?.errno !== undefined && ownReasons.has(actual.errno) && expectation.outcome.kind !== 'errno';
    if (transient && survived && !strict) {
      return {
        verdict: 'inconclusive',
        reason: `op ${op} failed with ${actual.errno}, which no rule gives`,
        judgement,
      };
    }
    return { verdict: 'fail', failure: toFailure(contract, trace, judgement.violation), judgement };
  }
  if (!survived) return { verdict: 'fail', failure: notSurvived(trace, fault), judgement };
  if (judgement.kind === 'malformed') return { verdict: 'not-applicable', reason: judgement.reason, judgement };
  if (trace.end === 'unsupported') {
    return { verdict: 'not-applicable', reason: trace.detail ?? 'the target cannot run it', judgement };
  }
  if (judgement.kind === 'undefined') {
    return { verdict: 'undefined', reason: `op ${judgement.op}: ${judgement.rule.sentence}`, judgement };
  }
  if (trace.outcomes.length < trace.program.ops.length)
    return { verdict: 'fail', failure: notSurvived(trace), judgement };
  if (feature !== undefined && contract.parameters[feature] === 'absent') return { verdict: 'absent', judgement };
  const either =
    without && [...judgement.decided].every((rule) => !contract.rules.has(rule) || without.rules.has(rule));
  return { verdict: 'pass', ...(either && { either }), judgement };
}

/** The first fault that the kernel reported and that no rule which decided allows. */
function unexpectedFault(contract: Contract, { faults = [] }: Trace, judgement: Judgement): string | undefined {
  const allowed =
    judgement.kind === 'conforms'
      ? [...judgement.decided].flatMap((id) => contract.data.rules.get(id)?.logs ?? []).map((text) => new RegExp(text))
      : [];
  return faults.find((line) => !allowed.some((pattern) => pattern.test(line)));
}

/** The contract without a feature that it asks for; undefined if it does not. */
function withoutFeature(contract: Contract, feature: string): Contract | undefined {
  const { parameters, data } = contract;
  if (parameters[feature] !== 'present' || !data.parameters.get(feature)?.values.absent) return undefined;
  return withAssignments(contract, [[feature, 'absent']]);
}

/** The contract without any of the features that ioctls belong to: they may come and go together. */
function withoutFeatures(contract: Contract): Contract {
  const features = new Set(Object.values(uapi.ioctls).flatMap(({ feature }) => feature ?? []));
  return withAssignments(
    contract,
    [...features].map((feature) => [feature, 'absent']),
  );
}
