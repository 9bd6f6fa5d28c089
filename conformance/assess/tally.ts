import { inexcusable } from '../../spec/uapi/permitted-reasons.ts';
import type { RecordCase, ResultRow, RunResult, UnreachedRule, Verdict } from '../../spec/uapi/vocabulary.ts';

/** Adds up cases as they come. */
export class Tally {
  programs = 0;
  ops = 0;
  /** Cases that took more than one attempt. */
  retried = 0;
  /** Handler, or suite where programs are stories -> verdict -> count. */
  private readonly rowsBySuite = new Map<string, Map<Verdict, number>>();
  /** Suites of which programs were run. */
  private readonly suites = new Set<string>();
  private readonly verdictCounts = new Map<Verdict, number>();
  /** Feature -> verdicts of its probes. */
  private readonly featureVerdicts = new Map<string, Set<Verdict>>();

  add(one: RecordCase): void {
    const verdict = one.verdict!;
    this.programs++;
    this.ops += one.trace.outcomes.length;
    this.suites.add(one.suite);
    bump(this.verdictCounts, verdict);
    if (one.attempts) this.retried++;
    const row = rowOf(one);
    const counts = this.rowsBySuite.get(row) ?? new Map();
    this.rowsBySuite.set(row, counts);
    bump(counts, verdict);
    const { feature } = one.trace.program;
    if (feature !== undefined) {
      const seen = this.featureVerdicts.get(feature) ?? new Set();
      this.featureVerdicts.set(feature, one.either ? seen : seen.add(verdict));
    }
  }

  /** The verdicts row by row; of suites that have programs for machines that are not offered also those without any verdict. */
  rows(unoffered: ReadonlySet<string> = new Set()): ResultRow[] {
    return [
      ...[...this.rowsBySuite].map(([name, counts]) => ({ name, verdicts: Object.fromEntries(counts) })),
      ...[...unoffered]
        .filter((name) => !this.suites.has(name))
        .map((name) => ({ name, verdicts: {}, why: 'machine not offered' })),
    ];
  }

  get verdicts(): Record<string, number> {
    return Object.fromEntries(this.verdictCounts);
  }

  /** Absent is earned by a feature as a whole: by every probe. One exception fails it, as it fails the run. */
  get features(): RunResult['features'] {
    return Object.fromEntries([...this.featureVerdicts].map(([name, seen]) => [name, featureState(seen)]));
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

/**
 * 0: conforms. 1: fails. 3: neither, because nothing was judged, or something was inconclusive or not reached. A run that was cut
 * off, or whose target was lost without a reason, is not `conclusive`.
 */
export function exitCode(
  verdicts: Record<string, number>,
  conclusive: boolean,
  unreached: readonly UnreachedRule[],
): 0 | 1 | 3 {
  if (verdicts.fail || verdicts['unexpected-pass']) return 1;
  if (!verdicts.pass && !verdicts.absent && !verdicts['known-deviation']) return 3;
  return verdicts.inconclusive || !conclusive || inexcusable(unreached).length > 0 ? 3 : 0;
}

function rowOf({ suite, trace }: RecordCase): string {
  // suite/handler/situation/what; suites whose programs are not about one handler have shorter names.
  const [, handler, ...rest] = trace.program.id.split('/');
  return rest.length > 1 ? handler! : suite;
}

function bump<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
