import type { RecordCase, RunResult, TransitionCount, UnreachedRule, Verdict } from '../spec/uapi/vocabulary.ts';

/** What a run was about. */
export interface RunIdentity {
  target: string;
  targetVersion: string;
  profile: string;
  parameters: Record<string, string>;
}

/** Adds up cases as they come. */
export class Tally {
  /** Row (handler, or suite where programs are stories) -> verdict -> count. */
  readonly rows = new Map<string, Map<Verdict, number>>();
  readonly failed: RecordCase[] = [];
  programs = 0;
  ops = 0;
  readonly #verdicts = new Map<Verdict, number>();
  /** Feature -> verdicts of its probes. */
  readonly #features = new Map<string, Set<Verdict>>();

  add(one: RecordCase): void {
    const verdict = one.verdict!;
    this.programs++;
    this.ops += one.trace.outcomes.length;
    bump(this.#verdicts, verdict);
    const row = rowOf(one);
    const counts = this.rows.get(row) ?? new Map();
    this.rows.set(row, counts);
    bump(counts, verdict);
    const { feature } = one.trace.program;
    if (feature !== undefined) {
      const seen = this.#features.get(feature) ?? new Set();
      this.#features.set(feature, one.either ? seen : seen.add(verdict));
    }
    if (verdict === 'fail' || verdict === 'unexpected-pass') this.failed.push(one);
  }

  get verdicts(): Record<string, number> {
    return Object.fromEntries(this.#verdicts);
  }

  /** Absent is earned by a feature as a whole: by every probe. One exception fails it, as it fails the run. */
  get features(): RunResult['features'] {
    return Object.fromEntries([...this.#features].map(([name, seen]) => [name, featureState(seen)]));
  }
}

/** A probe that could not be made is no evidence, and leaves the feature not judged in every state. */
function featureState(seen: ReadonlySet<Verdict>): RunResult['features'][string] {
  const evidence = new Set(seen);
  evidence.delete('not-applicable');
  if (evidence.size > 1 || (evidence.size === 1 && !evidence.has('absent') && !evidence.has('pass')))
    return 'contradictory';
  if (seen.has('not-applicable')) return 'not-judged';
  return evidence.has('absent') ? 'absent' : 'present';
}

/** Reasons that excuse a rule from being reached. */
const permitted = new Set(['hardware', 'kernel configuration', 'memory exhaustion', '32-bit callers', 'undefined']);

/** Unreached rules that nothing excuses. */
export function inexcusable(unreached: readonly UnreachedRule[]): UnreachedRule[] {
  return unreached.filter(({ why }) => !permitted.has(why));
}

/** 0: conforms. 1: fails. 3: neither, because nothing was judged, or something was inconclusive, cut off or not reached. */
export function exitCode(
  verdicts: Record<string, number>,
  complete: boolean,
  unreached: readonly UnreachedRule[],
): 0 | 1 | 3 {
  if (verdicts.fail || verdicts['unexpected-pass']) return 1;
  if (!verdicts.pass && !verdicts.absent && !verdicts['known-deviation']) return 3;
  return verdicts.inconclusive || !complete || inexcusable(unreached).length > 0 ? 3 : 0;
}

/** The whole result as one object. `unreached` is what the run answers for: nothing where it was only a part of all. */
export function toResult(
  identity: RunIdentity,
  tally: Tally,
  end: {
    seconds: number;
    complete: boolean;
    total: number;
    unreached: readonly UnreachedRule[];
    transitions: TransitionCount | undefined;
    whole: boolean;
  },
): { result: RunResult; code: 0 | 1 | 3 } {
  const { verdicts, features } = tally;
  // What the profile asks for has to be there, and absent is nothing that single probes can be.
  const lacks = Object.entries(features).some(
    ([name, state]) => identity.parameters[name] === 'present' && (state === 'absent' || state === 'contradictory'),
  );
  const code = lacks ? 1 : exitCode(verdicts, end.complete, end.whole ? end.unreached : []);
  const result: RunResult = {
    conforms: code === 0,
    complete: end.complete,
    ...identity,
    programs: tally.programs,
    ops: tally.ops,
    seconds: end.seconds,
    verdicts,
    features,
    rules: { total: end.total, reached: end.total - end.unreached.length, unreached: [...end.unreached] },
    ...(end.transitions && { transitions: end.transitions }),
    failures: tally.failed.map(({ suite, trace, failure }) => ({
      rule: failure!.rule,
      suite,
      program: trace.program.id,
      op: failure!.op,
      expected: failure!.expected,
      actual: failure!.actual,
      ...(failure!.alternative && { alternative: failure!.alternative }),
      ...(failure!.differences && {
        differences: failure!.differences.map(({ set }) => set.join()),
      }),
      token: failure!.token,
    })),
  };
  return { result, code };
}

function rowOf({ suite, trace }: RecordCase): string {
  // suite/handler/situation/what; suites whose programs are not about one handler have shorter names.
  const [, handler, ...rest] = trace.program.id.split('/');
  return rest.length > 1 ? handler! : suite;
}

function bump<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
