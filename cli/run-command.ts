import { resolve } from 'node:path';
import type { Contract } from '../reference/interpreter/contract.ts';
import { RecordFile } from '../reports/record-file.ts';
import { toBriefText, toText } from '../reports/text.ts';
import type { Description } from '../spec/uapi/adapter.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { visible, visibleJson } from '../spec/uapi/visible.ts';
import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import { assessedRun } from './assessed-run.ts';
import { Interruption } from './interruption.ts';
import { LiveReport } from './live-report.ts';
import { replayOptions } from './options/replay-options.ts';
import { parseReports, writeReports } from './options/report-option.ts';
import {
  checkNamedRules,
  recordSelection,
  rulesToReach,
  type SelectionOptions,
  selectionOf,
  selectionText,
} from './options/selection-option.ts';
import { loadSetting, type SettingOptions } from './options/setting.ts';
import { type VerbosityOptions, verbosityOf } from './options/verbosity.ts';
import { wholeNumber } from './options/whole-number.ts';
import { type OverlaidTargetOptions, openOverlaidTarget } from './overlaid-target.ts';
import { paintFor } from './paint-for.ts';
import { defaultProfile } from './target.ts';

interface RunOptions
  extends SettingOptions,
    SelectionOptions,
    Omit<OverlaidTargetOptions, 'coverage' | 'say'>,
    VerbosityOptions {
  target: string;
  seed: string;
  time?: string;
  maxLosses?: string;
  allowLosses?: true;
  record?: string;
  force?: true;
  report?: string[];
  /** True without a folder. */
  coverage?: string | true;
  json?: boolean;
}

/** How often a target may be lost before it is given up: a few programs that it does not survive are told, a broken target ends soon. */
const DEFAULT_LOSSES = 10;

/** `vfio-conform run`: sets the exit code. Throws a Problem. */
export async function runCommand(options: RunOptions, version: string): Promise<void> {
  const verbosity = verbosityOf(options);
  const reports = parseReports(options.report, options.json);
  refuseSameFile([options.record, ...reports.map(({ file }) => file)]);
  const selected = recordSelection(options);
  const milliseconds = options.time === undefined ? undefined : duration(options.time);
  const seed = wholeNumber('seed', options.seed);
  const maxLosses = wholeNumber('max-losses', options.maxLosses ?? String(DEFAULT_LOSSES));
  const { contract, profile } = loadSetting(options, defaultProfile(options.target));
  const selection = selectionOf(contract.data, selected);
  checkNamedRules(contract, profile, selection);
  const reached =
    options.coverage === undefined
      ? undefined
      : await (await import('./options/coverage-option.ts')).CoverageOption.parse(options.coverage, options.target);
  let live: LiveReport | undefined;
  const say = (line: string): void => (live ? live.say(line) : void process.stderr.write(`${line}\n`));
  const given = { ...options, coverage: reached?.collector, say };
  const record = options.record === undefined ? undefined : new RecordFile(options.record, options.force);
  const opened = await openOverlaidTarget(options.target, contract, version, given).catch((error) => {
    record?.close();
    throw error;
  });
  const { adapter, strict } = opened;
  live = new LiveReport(verbosity);
  const cases: RecordCase[] = [];
  const keepCases = reports.some(({ format }) => format === 'junit');
  const interruption = new Interruption();
  let missing = 0;
  const end = await assessedRun(
    {
      contract,
      profile,
      target: options.target,
      strict,
      adapter,
      selection,
      answers: rulesToReach(selected),
      selected: selectionText(selected),
      allowLosses: options.allowLosses,
      environment: opened.overlay,
      ...{ cases: selected.cases, shard: selected.shard, milliseconds, maxLosses },
      signal: interruption.signal,
      record,
      options: opened.options,
      seed,
      recorded: selected,
    },
    {
      onStart: (need, index, of) => live.onStart(need, index, of),
      onMaking: (programs) => live.onMaking(programs),
      onSession(description, sessionCases) {
        live.onSession(description, sessionCases);
        const advice = options.profile === undefined ? profileAdvice(description, contract, profile) : undefined;
        if (advice !== undefined) live.say(advice);
      },
      onMissing() {
        missing++;
      },
      onLoss: (loss) => live.onLoss(loss),
      onCase(line, failures) {
        if (keepCases) cases.push(line);
        live.onCase(line, failures);
      },
    },
  );
  live.stop();
  interruption.release();
  const { result, code, footer, failed, complete, programs, error } = end;
  if (error === undefined || programs > 0) {
    // Standard output is for the one thing that was asked for.
    const elsewhere = options.json || reports.some(({ file }) => file === undefined);
    const people = elsewhere ? process.stderr : process.stdout;
    const { allowLosses } = options;
    const replay = replayOptions({ ...options, contract, profile });
    const reportable = { result, footer, failed, cases, allowLosses, replay };
    people.write((verbosity === 'quiet' ? toBriefText : toText)(reportable, paintFor(people)));
    if (options.json) process.stdout.write(`${visibleJson(result)}\n`);
    writeReports(reports, reportable);
    if (reached && error === undefined) people.write(`\n${await reached.report()}`);
  }
  if (error !== undefined) throw error;
  process.exitCode = code;
  if (complete && programs === 0 && selected.only && !selected.shard && missing === 0)
    throw new Problem(
      `--only ${selected.only.join(', ')}: selects no program of ${selected.suites.join(', ')} for ${profile}; vfio-conform programs --only .. prints what a pattern selects.`,
    );
}

/** Throws a Problem when two outputs have one file. */
function refuseSameFile(files: readonly (string | undefined)[]): void {
  const paths = files.flatMap((file) => (file === undefined ? [] : [resolve(file)]));
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) throw new Problem(`${twice}: is to take two outputs; name a file for each.`);
}

/** What to say when a kernel is judged by the profile of another release only because nobody chose one. */
function profileAdvice({ name, version }: Description, contract: Contract, profile: string): string | undefined {
  const own = `type1-${/^\d+\.\d+/.exec(version)?.[0]}`;
  if (name !== 'linux' || own === profile || !contract.data.profiles.has(own)) return undefined;
  return `vfio-conform: this kernel is ${visible(version)} and is judged by ${profile}; choose with --profile ${own}.`;
}

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) throw new Problem(`--time ${text}: write a number and a unit, as in 30s or 5m.`);
  const milliseconds =
    Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
  if (milliseconds === 0) throw new Problem(`--time ${text}: give a time above 0.`);
  if (milliseconds > Number.MAX_SAFE_INTEGER)
    throw new Problem(`--time ${text}: nobody can wait for so long; give less.`);
  return milliseconds;
}
