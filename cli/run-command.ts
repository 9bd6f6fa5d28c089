import { createHash } from 'node:crypto';
import { Coverage } from '../conformance/coverage.ts';
import { TransitionCoverage } from '../conformance/lifecycle/coverage.ts';
import { lifecycle } from '../conformance/lifecycle/suite.ts';
import { cannotPerform, casesFor, type Listener, noGroups, run } from '../conformance/run.ts';
import { mergeNeeds } from '../conformance/suite.ts';
import { chooseSuites, suites } from '../conformance/suites.ts';
import { toRecordCase } from '../conformance/verdict.ts';
import type { Contract } from '../reference/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { RecordFile } from '../reports/record-file.ts';
import { Tally, toResult } from '../reports/tally.ts';
import { toText } from '../reports/text.ts';
import type { Description } from '../spec/uapi/adapter.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import { showProgress } from './progress.ts';
import { parseReports, writeReports } from './report-option.ts';
import { loadSetting, type SettingOptions, wholeNumber } from './setting.ts';
import { defaultProfile, openTarget } from './target.ts';

interface RunOptions extends SettingOptions {
  target: string;
  suite?: string;
  seed: string;
  cases?: string;
  time?: string;
  shard?: string;
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
  const chosen = chooseSuites(options.suite);
  const limits = {
    cases: options.cases === undefined ? undefined : wholeNumber('cases', options.cases, 1),
    milliseconds: options.time === undefined ? undefined : duration(options.time),
    shard: options.shard === undefined ? undefined : shard(options.shard),
  };
  const seed = wholeNumber('seed', options.seed);
  const { contract, profile } = loadSetting(options, defaultProfile(options.target));
  const reached =
    options.coverage === undefined
      ? undefined
      : await (await import('./coverage-option.ts')).CoverageOption.parse(options.coverage, options.target);
  const { adapter, strict } = await openTarget(options.target, contract, version, options.modules, reached?.collector);
  // A limit of time needs no exemption: a run that it cuts off is not complete.
  const whole = suites.every((suite) => chosen.includes(suite)) && !limits.cases && !limits.shard;

  const started = Date.now();
  const tally = new Tally();
  const coverage = new Coverage(contract);
  const transitions = new TransitionCoverage(contract);
  const touring = chosen.includes(lifecycle);
  const progress = showProgress();
  const cases: RecordCase[] = [];
  const keepCases = reports.some(({ format }) => format === 'junit');
  const record = options.record === undefined ? undefined : new RecordFile(options.record);
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const identity = { target: options.target, targetVersion: '', profile, parameters: contract.parameters };
  // Standard output is for the one thing that was asked for.
  const elsewhere = options.json || reports.some(({ file }) => file === undefined);
  const people = elsewhere ? process.stderr : process.stdout;
  const report = (complete: boolean) => {
    const seconds = (Date.now() - started) / 1000;
    const ending = {
      seconds,
      complete,
      total: coverage.total,
      unreached: coverage.unreached(),
      transitions: transitions.count(),
      whole,
    };
    const { result, code } = toResult(identity, tally, ending);
    const { verdicts, rules, transitions: taken } = result;
    const counts = { cases: tally.programs, ops: tally.ops, verdicts, rules, ...(taken && { transitions: taken }) };
    record?.write({ kind: 'footer', ...counts, seconds, complete });
    record?.close();
    const reportable = { result, tally, cases, whole, replay: replayOptions(options, profile) };
    people.write(toText(reportable));
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    writeReports(reports, reportable);
    process.exitCode = code;
  };
  record?.write({
    kind: 'header',
    format: 1,
    tool: `vfio-conform ${version}`,
    target: options.target,
    profile,
    parameters: contract.parameters,
    strict,
    seed,
    suites: chosen.map(({ name }) => name),
    suiteHash: suiteHash(chosen, contract),
  });
  const listener: Listener = {
    onSession(description, sessionCases) {
      const { environment } = description;
      progress.expect(sessionCases.length, `${options.target} ${environment.id}`);
      identity.targetVersion = `${description.name} ${description.version}`;
      if (options.profile === undefined) adviseProfile(description, contract, profile);
      if (touring) transitions.expect(environment);
      record?.write({ kind: 'environment', targetVersion: identity.targetVersion, environment });
    },
    onMissing({ machine, slots }) {
      const environment = modelEnvironment({ machine, slots });
      const why = machine.type1Module === false ? 'kernel configuration' : 'hardware';
      if (touring) transitions.expect(environment, 'the target does not offer the machine');
      for (const { program } of casesFor(chosen, contract, environment)) coverage.excuse(program, environment, why);
    },
    onCase(suite, trace, verdict, environment) {
      const one = toRecordCase(suite, trace, verdict);
      record?.write(one);
      tally.add(one);
      coverage.note(verdict.judgement, environment, trace);
      transitions.note(environment, trace, verdict);
      // A target without any group to work with has nothing to excuse itself with.
      const hasGroups = Object.values(environment.slots).some(({ viable }) => viable);
      if (trace.detail === noGroups && hasGroups) coverage.excuse(trace.program, environment, 'hardware');
      // Only a kernel that is built for it lets allocations fail.
      if (trace.detail === cannotPerform('inject')) coverage.excuse(trace.program, environment, 'kernel configuration');
      if (one.failure) coverage.contradict(one.failure.rule);
      if (keepCases) cases.push(one);
      progress.tick(tally.failed.length);
    },
  };
  let end: { complete: boolean };
  try {
    end = await run({ contract, adapter, suites: chosen, strict, signal: abort.signal, ...limits }, listener);
  } catch (error) {
    progress.stop();
    // What was judged before the target was lost is not lost.
    if (tally.programs > 0) report(false);
    throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  progress.stop();
  report(end.complete);
  if (reached) people.write(`\n${await reached.report()}`);
}

/** Tells when a kernel is judged by the profile of another release only because nobody chose one. */
function adviseProfile({ name, version }: Description, contract: Contract, profile: string): void {
  const own = `type1-${/^\d+\.\d+/.exec(version)?.[0]}`;
  if (name !== 'linux' || own === profile || !contract.data.profiles.has(own)) return;
  process.stderr.write(
    `vfio-conform: this kernel is ${version} and is judged by ${profile}; choose with --profile ${own}.\n`,
  );
}

/** The options that make a replay run where the failure was. */
function replayOptions({ target, set = [], spec, modules }: RunOptions, profile: string): string {
  const parts = ['--target', target, '--profile', profile, ...set.flatMap((one) => ['--set', one])];
  if (spec !== undefined) parts.push('--spec', spec);
  if (modules !== undefined) parts.push('--modules', modules);
  return parts.map((part) => (/^[\w:=./-]+$/.test(part) ? part : `'${part}'`)).join(' ');
}

/** SHA-256 over the programs for the machines as the model has them. */
function suiteHash(chosen: ReturnType<typeof chooseSuites>, contract: Parameters<typeof casesFor>[1]): string {
  const hash = createHash('sha256');
  for (const need of mergeNeeds(chosen.flatMap((suite) => suite.needs()))) {
    for (const { program } of casesFor(chosen, contract, modelEnvironment(need))) hash.update(JSON.stringify(program));
  }
  return hash.digest('hex');
}

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) throw new Problem(`--time ${text}: write a number and a unit, as in 30s or 5m.`);
  if (Number(match[1]) === 0) throw new Problem(`--time ${text}: give a time above 0.`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
}

function shard(text: string): { index: number; of: number } {
  const [part, of] = /^\d+\/\d+$/.test(text) ? text.split('/').map(Number) : [];
  if (part === undefined || part < 1 || part > of!)
    throw new Problem(`--shard ${text}: write I/N with I from 1 to N, as in 1/4.`);
  return { index: part - 1, of: of! };
}
