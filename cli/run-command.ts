import type { Judged } from '../conformance/assess/assessment.ts';
import { Assessment } from '../conformance/assess/assessment.ts';
import { type Listener, run } from '../conformance/running/run.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { FORMAT, RecordFile } from '../reports/record-file.ts';
import { toText } from '../reports/text.ts';
import type { Description } from '../spec/uapi/adapter.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { RecordCase, RecordHeader } from '../spec/uapi/vocabulary.ts';
import { machineLine } from './machine-line.ts';
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
import { wholeNumber } from './options/whole-number.ts';
import { showProgress } from './progress.ts';
import { defaultProfile, openTarget } from './target.ts';
import { tool } from './tool.ts';

interface RunOptions extends SettingOptions, SelectionOptions {
  target: string;
  seed: string;
  time?: string;
  record?: string;
  report?: string[];
  modules?: string;
  /** True without a folder. */
  coverage?: string | true;
  json?: boolean;
}

/** `vfio-conform run`: sets the exit code. Throws a Problem. */
export async function runCommand(options: RunOptions, version: string): Promise<void> {
  const reports = parseReports(options.report);
  const selected = recordSelection(options);
  const milliseconds = options.time === undefined ? undefined : duration(options.time);
  const seed = wholeNumber('seed', options.seed);
  const { contract, profile } = loadSetting(options, defaultProfile(options.target));
  const selection = selectionOf(contract.data, selected);
  checkNamedRules(contract, profile, selection);
  const reached =
    options.coverage === undefined
      ? undefined
      : await (await import('./options/coverage-option.ts')).CoverageOption.parse(options.coverage, options.target);
  const { adapter, strict } = await openTarget(options.target, contract, version, options.modules, reached?.collector);
  const assessment = new Assessment({
    contract,
    profile,
    target: options.target,
    strict,
    selection,
    answers: rulesToReach(selected),
    selected: selectionText(selected),
  });
  const header: RecordHeader = {
    kind: 'header',
    format: FORMAT,
    tool: tool(),
    contract: contract.data.hash,
    target: options.target,
    options: targetOptions(options),
    profile,
    parameters: contract.parameters,
    strict,
    seed,
    selection: selected,
  };

  const started = Date.now();
  const progress = showProgress();
  const cases: RecordCase[] = [];
  let missing = 0;
  const keepCases = reports.some(({ format }) => format === 'junit');
  const record = options.record === undefined ? undefined : new RecordFile(options.record);
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  // Standard output is for the one thing that was asked for.
  const elsewhere = options.json || reports.some(({ file }) => file === undefined);
  const people = elsewhere ? process.stderr : process.stdout;
  const finish = (complete: boolean, lost?: string) => {
    const { result, code, footer, failed } = assessment.finish({
      seconds: (Date.now() - started) / 1000,
      complete,
      lost,
    });
    record?.write(footer);
    record?.close();
    const replay = replayOptions({ ...options, contract, profile });
    const reportable = { result, footer, failed, cases, replay };
    people.write(toText(reportable));
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    writeReports(reports, reportable);
    process.exitCode = code;
  };
  record?.write(header);
  const listener: Listener<Judged> = {
    onSession(description, sessionCases) {
      const { environment } = description;
      progress.expect(sessionCases.length, `${options.target} ${environment.id}`);
      if (options.profile === undefined) adviseProfile(description, contract, profile);
      const targetVersion = `${description.name} ${description.version}`;
      assessment.machine(environment, targetVersion, new Set(sessionCases.map(({ place }) => place.unit)));
      record?.write(machineLine(environment, targetVersion, sessionCases));
    },
    onMissing(need) {
      record?.write(assessment.missing(need));
      missing++;
    },
    onCase(one, judged, environment) {
      const line = assessment.add(one, judged, environment);
      record?.write(line);
      if (keepCases) cases.push(line);
      progress.tick(assessment.failures);
    },
  };
  let end: { complete: boolean };
  try {
    end = await run(
      {
        contract,
        adapter,
        ...selection,
        cases: selected.cases,
        shard: selected.shard,
        milliseconds,
        judge: (trace, environment) => assessment.judge(trace, environment),
        signal: abort.signal,
      },
      listener,
    );
  } catch (error) {
    progress.stop();
    // What was judged before the target was lost is not lost.
    if (assessment.programs > 0) finish(false, error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  progress.stop();
  finish(end.complete);
  if (end.complete && assessment.programs === 0 && selected.only && !selected.shard && missing === 0)
    throw new Problem(
      `--only ${selected.only.join(', ')}: selects no program of ${selected.suites.join(', ')} for ${profile}; vfio-conform programs --only .. prints what a pattern selects.`,
    );
  if (reached) people.write(`\n${await reached.report()}`);
}

/** Says when a kernel is judged by the profile of another release only because nobody chose one. */
function adviseProfile({ name, version }: Description, contract: Contract, profile: string): void {
  const own = `type1-${/^\d+\.\d+/.exec(version)?.[0]}`;
  if (name !== 'linux' || own === profile || !contract.data.profiles.has(own)) return;
  process.stderr.write(
    `vfio-conform: this kernel is ${version} and is judged by ${profile}; choose with --profile ${own}.\n`,
  );
}

/** What the target was given beside its name. */
function targetOptions({ modules }: RunOptions): Record<string, string> {
  return modules === undefined ? {} : { modules };
}

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) throw new Problem(`--time ${text}: write a number and a unit, as in 30s or 5m.`);
  if (Number(match[1]) === 0) throw new Problem(`--time ${text}: give a time above 0.`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
}
