import { lackedFeatures } from '../spec/uapi/lacked-features.ts';
import { inexcusable } from '../spec/uapi/permitted-reasons.ts';
import { shellWord, shellWords } from '../spec/uapi/shell-words.ts';
import { visible } from '../spec/uapi/visible.ts';
import type {
  Environment,
  FailureGroup,
  RecordCase,
  RecordFooter,
  ResultLoss,
  RunResult,
  Verdict,
} from '../spec/uapi/vocabulary.ts';
import { type Paint, plain, type Tone } from './paint.ts';
import { describeOp, kindsOf } from './program-text.ts';
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

/** Groups of failures that are shown in full; of the others only the count. */
const SHOWN = 8;
/** Settings that are named beside a group. */
const SETTINGS = 3;

const featureStates: Record<RunResult['features'][string], string> = {
  absent: 'absent, by every probe in every state',
  present: 'present',
  contradictory:
    'its probes do not agree, with each other or with the profile; it counts neither as absent nor as present',
  'not-judged': 'not judged, because some probes could not be made',
};

/** What a summary is made from. */
export interface Summary {
  result: RunResult;
  footer: RecordFooter;
  /** The failing cases. */
  failed: readonly RecordCase[];
  /** Options with which a replay runs where a failure was. */
  replay: string;
}

/** The summary that a person reads: a table of ioctls and verdicts, failures by what they are, and what was not reached. */
export function toText({ failed, replay, ...summary }: Summary, paint: Paint = plain): string {
  const result = visible(summary.result);
  const footer = visible(summary.footer);
  const parts = [
    ...(result.rows.length > 0 ? [table(result)] : []),
    ...failures(summary.result.groups, failed, replay, paint),
  ];
  for (const [name, state] of Object.entries(result.features)) {
    const asked = state === 'absent' && result.parameters[name] === 'present';
    parts.push(`Feature ${name}: ${featureStates[state]}${asked ? `; ${result.profile} asks for it` : ''}.`);
  }
  const reached = rules(result, footer);
  if (reached) parts.push(reached);
  if (result.transitions) parts.push(describeTransitions(result.transitions));
  parts.push(...doubts(result));
  if (footer.retried) parts.push(`${footer.retried} programs were tried more than once.`);
  if (result.selected !== undefined) parts.push(`Selected: ${result.selected}.`);
  parts.push(...said(result), closing(result, paint));
  return `${parts.join('\n\n')}\n`;
}

/** What keeps a target from conforming, and what it comes to. */
export function toBriefText({ failed, replay, ...summary }: Summary, paint: Paint = plain): string {
  const result = visible(summary.result);
  const parts = [
    ...failures(summary.result.groups, failed, replay, paint),
    ...doubts(result),
    ...said(result),
    closing(result, paint),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** What the user said of the environments. */
function said({ environment }: RunResult): string[] {
  return environment === undefined ? [] : [`Environment by --environment: ${overlayText(environment)}.`];
}

/** What was said of environments as one line; of long bytes there is the beginning. */
export function overlayText(overlay: Readonly<Record<string, unknown>>): string {
  const most = 64;
  return JSON.stringify(overlay, (_, value) =>
    typeof value === 'string' && value.length > most ? `${value.slice(0, most)}...` : value,
  );
}

/** Losses of the target and programs that nothing is known of. */
function doubts(result: RunResult): string[] {
  return [
    ...(result.losses.length > 0 ? [losses(result)] : []),
    ...(result.inconclusive.length > 0 ? [inconclusive(result)] : []),
  ];
}

function table({ rows }: RunResult): string {
  const used = verdictOrder.filter((verdict) => rows.some(({ verdicts }) => verdict in verdicts));
  const run = rows.filter(({ why }) => why === undefined);
  const lines = [
    ['', ...used],
    ...run.map(({ name, verdicts }) => [name, ...used.map((verdict) => String(verdicts[verdict] ?? ''))]),
  ];
  const left = rows.filter(({ why }) => why !== undefined).map(({ name, why }) => `${name}: 0 programs: ${why}`);
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const table = lines.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
  return [...(run.length > 0 ? table : []), ...left].join('\n');
}

function failures(
  groups: readonly FailureGroup[],
  failed: readonly RecordCase[],
  replay: string,
  paint: Paint,
): string[] {
  const shown = groups.slice(0, SHOWN).map((group) => describeGroup(group, exampleOf(group, failed)!, replay, paint));
  if (groups.length > SHOWN) {
    shown.push(
      `${groups.length - SHOWN === 1 ? 'One more kind' : `${groups.length - SHOWN} more kinds`} of failures: ${groups
        .slice(SHOWN)
        .map((group) => `${visible(headline(group))} (${group.count})`)
        .join(', ')}`,
    );
  }
  return shown;
}

/** The case that shows a group. */
export function exampleOf({ machine, program }: FailureGroup, failed: readonly RecordCase[]): RecordCase | undefined {
  return failed.find(({ place, trace }) => place.machine === machine && trace.program.id === program);
}

/** What a group of failures is called: the rule that is most likely broken. */
export const headline = ({ explanation, signature }: FailureGroup): string => explanation?.rule ?? signature.rule;

/** Everything about a group of failures, shown by one of them. */
export function describeGroup(group: FailureGroup, one: RecordCase, replay: string, paint: Paint = plain): string {
  const { signature, count, explanation } = visible(group);
  const { trace, failure } = visible(one);
  const name = visible(headline(group));
  const lines = [
    `${paint('bad', 'FAIL')} ${paint('name', name)}${count > 1 ? ` (and ${count - 1} more like it)` : ''}`,
    `  ${(explanation ?? failure!).sentence}`,
    `  source:    ${(explanation ?? failure!).source}`,
  ];
  if (name !== signature.rule) lines.push(`  shows in:  ${signature.rule}: ${failure!.sentence}`);
  lines.push(...describeOutcomes({ trace, failure }, explanation?.alternative));
  for (const { set, rules } of explanation?.settings.slice(0, SETTINGS) ?? []) {
    const options = shellWords(set.flatMap((each) => ['--set', each]));
    lines.push(
      `  ${count > 1 ? 'all conform' : 'conforms'} with ${options}${rules.length ? ` (${rules.join(', ')})` : ''}`,
    );
  }
  const { state = [], history = [] } = explanation ?? {};
  if (state.length > 0) lines.push('  state before:', ...state.map((line) => `    ${line}`));
  if (history.length > 0) lines.push(`  caused by: ${history.map((entry) => `${entry.op} ${entry.rule}`).join(', ')}`);
  const kinds = kindsOf(trace.program.ops);
  lines.push(
    '  program so far:',
    ...trace.program.ops.slice(0, failure!.op + 1).map((op, i) => `    ${i} ${describeOp(op, kinds)}`),
  );
  if (trace.log?.length) lines.push('  kernel log:', ...trace.log.slice(-20).map((line) => `    ${line}`));
  if (failure!.token) lines.push(`  replay:   vfio-conform replay ${shellWord(failure!.token)} ${replay}`);
  return lines.join('\n');
}

/** What came of one program, in a clause. */
export function verdictText({ verdict, reason, failure }: RecordCase, paint: Paint = plain): string {
  const why = reason ?? (failure && `${failure.signature.rule}, expected ${failure.expected}, got ${failure.actual}`);
  return `${paint(tones[verdict!], verdict!)}${why ? `: ${visible(why)}` : ''}`;
}

const tones: Record<Verdict, Tone> = {
  pass: 'good',
  absent: 'good',
  fail: 'bad',
  'unexpected-pass': 'bad',
  inconclusive: 'open',
  'not-applicable': 'open',
  'known-deviation': 'open',
  undefined: 'open',
};

/** A machine that is there, in a line, with how many programs there are for it. */
export function machineText(targetVersion: string, { id }: Environment, programs: number): string {
  return `on ${visible(`${targetVersion}, ${id}`)}: ${programs} programs`;
}

/** Losses and inconclusive programs that are shown. */
const TOLD = 4;

function losses({ losses: all }: RunResult): string {
  const times = all.length === 1 ? 'once' : `${all.length} times`;
  const more = all.length > TOLD ? [`  and ${all.length - TOLD} more.`] : [];
  return [`The target was lost ${times}:`, ...all.slice(0, TOLD).map(describeLoss), ...more].join('\n');
}

/** When the target was lost, why, and what is known about it. */
export function describeLoss(one: ResultLoss): string {
  const { loss, blamed } = visible(one);
  const { why, programs, log, after, seconds } = loss;
  const others = programs.length > 1 ? ` and ${programs.length - 1} more` : '';
  const underWay = programs.length === 0 ? 'no program' : `${programs[0]}${others}`;
  const cause = blamed === undefined ? 'nothing brought it about again' : `${blamed} brings it about`;
  return [
    `  after ${after} programs, ${seconds.toFixed(1)} s: ${why}, with ${underWay} under way; ${cause}.`,
    ...log.slice(-5).map((line) => `    ${line}`),
  ].join('\n');
}

function inconclusive({ inconclusive: all }: RunResult): string {
  const more = all.length > TOLD ? [`  and ${all.length - TOLD} more.`] : [];
  return ['Inconclusive:', ...all.slice(0, TOLD).map(({ program, reason }) => `  ${program}: ${reason}`), ...more].join(
    '\n',
  );
}

/** Where a failure was, what was expected and what came. */
function describeOutcomes({ trace, failure }: Pick<RecordCase, 'trace' | 'failure'>, alternative?: string): string[] {
  const { op, expected, actual } = failure!;
  const { ops, id } = trace.program;
  return [
    `  program:   ${id}, on ${trace.environment}`,
    `  ${`op ${op}:`.padEnd(10)} ${ops[op] ? describeOp(ops[op], kindsOf(ops)) : ''}`,
    `  expected:  ${expected}`,
    `  actual:    ${actual}${alternative ? `, as ${alternative} would have it` : ''}`,
  ];
}

/** A failure on its own, without what is likely behind it. */
export function describeFailure(one: RecordCase, replay: string): string {
  const { trace, failure } = visible(one);
  const { signature, sentence, source, op, token } = failure!;
  const { ops } = trace.program;
  return [
    `FAIL ${signature.rule}`,
    `  ${sentence}`,
    `  source:    ${source}`,
    ...describeOutcomes({ trace, failure }),
    '  program so far:',
    ...ops.slice(0, op + 1).map((each, i) => `    ${i} ${describeOp(each, kindsOf(ops))}`),
    ...(trace.log?.length ? ['  kernel log:', ...trace.log.slice(-20).map((line) => `    ${line}`)] : []),
    ...(token ? [`  replay:   vfio-conform replay ${shellWord(token)} ${replay}`] : []),
  ].join('\n');
}

function rules({ selected, rules: { total, reached, unreached } }: RunResult, { witnesses }: RecordFooter): string {
  if (total === 0) return '';
  const lines = [`${reached} of ${total} rules reached.`];
  const bad = inexcusable(unreached);
  const excused = unreached.filter((one) => !bad.includes(one));
  // Where rules were asked for by name, what shows them is asked for.
  if (selected !== undefined)
    for (const [rule, { program }] of Object.entries(witnesses ?? {}))
      lines.push(`${rule} is reached: ${program} depends on it.`);
  if (excused.length > 0)
    lines.push(`Not reached, with a permitted reason: ${excused.map(({ id, why }) => `${id} (${why})`).join(', ')}.`);
  if (bad.length > 0) lines.push(`Not reached: ${bad.map(({ id, why }) => `${id} (${why})`).join(', ')}.`);
  return lines.join('\n');
}

/** What it comes to, in one sentence. */
export function closing(result: RunResult, paint: Paint = plain): string {
  const { complete, target, targetVersion, profile, programs, ops, seconds, verdicts } = visible(result);
  const counts = Object.entries(verdicts)
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(', ');
  return `${target} (${targetVersion}) ${verdictOf(result, paint)} ${profile}: ${programs} programs, ${ops} ops, ${counts || 'nothing judged'}, ${seconds.toFixed(1)} s${complete ? '' : ', cut off before the end'}.`;
}

/** Only all of the suites can show that a target conforms. */
function verdictOf(result: RunResult, paint: Paint): string {
  const { conforms, complete, selected, programs, verdicts } = result;
  if (verdicts.fail || verdicts['unexpected-pass'] || lackedFeatures(result).length > 0)
    return paint('bad', 'does not conform to');
  if (conforms && selected === undefined) return paint('good', 'conforms to');
  if (conforms || (!complete && programs > 0 && !verdicts.inconclusive))
    return `shows ${paint(complete ? 'good' : 'open', 'no failure in the part that ran')}, judged by`;
  return paint('open', 'was not shown to conform to');
}
