import type { RecordCase, RunResult, Verdict } from '../spec/uapi/vocabulary.ts';
import { describeOp, kindsOf } from './program-text.ts';
import { inexcusable, type Tally } from './tally.ts';
import { describeTransitions } from './transitions.ts';

const verdictOrder: Verdict[] = [
  'pass',
  'fail',
  'absent',
  'not-applicable',
  'known-deviation',
  'unexpected-pass',
  'inconclusive',
  'undefined',
];

/** Rules of which failures are shown in full; of the others only the count. */
const SHOWN = 8;

const featureStates: Record<RunResult['features'][string], string> = {
  absent: 'absent, by every probe in every state',
  present: 'present',
  contradictory: 'its probes do not agree; it counts neither as absent nor as present',
  'not-judged': 'not judged, because some probes could not be made',
};

/** What a summary is made from. */
export interface Summary {
  result: RunResult;
  tally: Tally;
  /** The run was of everything, and answers for unreached rules. */
  whole: boolean;
  /** Options with which a replay runs where a failure was. */
  replay: string;
}

/** The summary that a person reads: a table of ioctls and verdicts, failures by rule, and what was not reached. */
export function toText({ result, tally, whole, replay }: Summary): string {
  const parts = [table(tally), ...failures(tally.failed, replay)];
  for (const [name, state] of Object.entries(result.features)) {
    const asked = state === 'absent' && result.parameters[name] === 'present';
    parts.push(`Feature ${name}: ${featureStates[state]}${asked ? `; ${result.profile} asks for it` : ''}.`);
  }
  parts.push(rules(result, whole));
  if (result.transitions) parts.push(describeTransitions(result.transitions));
  parts.push(closing(result));
  return `${parts.join('\n\n')}\n`;
}

function table({ rows }: Tally): string {
  const used = verdictOrder.filter((verdict) => [...rows.values()].some((counts) => counts.has(verdict)));
  const lines = [
    ['', ...used],
    ...[...rows].map(([name, counts]) => [name, ...used.map((verdict) => String(counts.get(verdict) ?? ''))]),
  ];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function failures(failed: readonly RecordCase[], replay: string): string[] {
  const byRule = new Map<string, RecordCase[]>();
  for (const one of failed) {
    // What one setting explains is one finding, whichever rules it shows up in.
    const key = one.failure!.differences?.map(({ set }) => set.join()).join(' or ') || one.failure!.rule;
    const group = byRule.get(key);
    if (group) group.push(one);
    else byRule.set(key, [one]);
  }
  const groups = [...byRule.values()].sort((a, b) => b.length - a.length);
  const shown = groups.slice(0, SHOWN).map((group) => describeFailure(group[0]!, replay, group.length));
  if (groups.length > SHOWN) {
    shown.push(
      `${groups.length - SHOWN} more rules with failures: ${groups
        .slice(SHOWN)
        .map(([one]) => one!.failure!.rule)
        .join(', ')}`,
    );
  }
  return shown;
}

/** Everything about one failure, of `count` like it. */
export function describeFailure({ trace, failure }: RecordCase, replay: string, count = 1): string {
  const { rule, sentence, source, alternative, differences, op, expected, actual, state, history, token } = failure!;
  const kinds = kindsOf(trace.program.ops);
  const lines = [
    `FAIL ${rule}${count > 1 ? ` (and ${count - 1} more like it)` : ''}`,
    `  ${sentence}`,
    `  source:   ${source}`,
    `  program:  ${trace.program.id}, on ${trace.environment}`,
    `  ${`op ${op}:`.padEnd(9)} ${trace.program.ops[op] ? describeOp(trace.program.ops[op], kinds) : ''}`,
    `  expected: ${expected}`,
    `  actual:   ${actual}${alternative ? `, as ${alternative} would have it` : ''}`,
  ];
  for (const { set, rules } of differences ?? []) {
    const options = set.map((one) => `--set ${one}`).join(' ');
    lines.push(`  conforms with ${options}${rules.length ? ` (${rules.join(', ')})` : ''}`);
  }
  if (state.length > 0) lines.push('  state before:', ...state.map((line) => `    ${line}`));
  if (history.length > 0) lines.push(`  made by:  ${history.map((entry) => `${entry.op} ${entry.rule}`).join(', ')}`);
  lines.push(
    '  program so far:',
    ...trace.program.ops.slice(0, op + 1).map((one, i) => `    ${i} ${describeOp(one, kinds)}`),
  );
  if (trace.log?.length) lines.push('  kernel log:', ...trace.log.slice(-20).map((line) => `    ${line}`));
  if (token) lines.push(`  replay:   vfio-conform replay ${token} ${replay}`);
  return lines.join('\n');
}

function rules({ complete, rules: { total, reached, unreached } }: RunResult, whole: boolean): string {
  const lines = [`${reached} of ${total} rules reached.`];
  const bad = inexcusable(unreached);
  const excused = unreached.filter((one) => !bad.includes(one));
  if (excused.length > 0)
    lines.push(`Not reached, with a permitted reason: ${excused.map(({ id, why }) => `${id} (${why})`).join(', ')}.`);
  if (bad.length > 0)
    lines.push(
      whole && complete
        ? `Not reached: ${bad.map(({ id, why }) => `${id} (${why})`).join(', ')}.`
        : `Not reached by this part of the suites: ${bad.length} rules.`,
    );
  return lines.join('\n');
}

function closing({
  conforms,
  complete,
  target,
  targetVersion,
  profile,
  programs,
  ops,
  seconds,
  verdicts,
}: RunResult): string {
  const counts = Object.entries(verdicts)
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(', ');
  const verdict = conforms
    ? 'conforms to'
    : verdicts.fail || verdicts['unexpected-pass']
      ? 'does not conform to'
      : 'was not shown to conform to';
  return `${target} (${targetVersion}) ${verdict} ${profile}: ${programs} programs, ${ops} ops, ${counts || 'nothing judged'}, ${seconds.toFixed(1)} s${complete ? '' : ', cut off before the end'}.`;
}
