import { createHash } from 'node:crypto';
import { Coverage } from '../conformance/coverage.ts';
import { casesFor, run } from '../conformance/run.ts';
import { mergeNeeds } from '../conformance/suite.ts';
import { chooseSuites } from '../conformance/suites.ts';
import { toRecordCase } from '../conformance/verdict.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { RecordFile } from '../reports/record-file.ts';
import { Tally, toResult } from '../reports/tally.ts';
import { toText } from '../reports/text.ts';
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
  const { adapter, strict } = await openTarget(options.target, contract, version, options.modules);
  const whole = options.suite === undefined && Object.values(limits).every((limit) => limit === undefined);

  const started = Date.now();
  const tally = new Tally();
  const coverage = new Coverage(contract);
  const progress = showProgress();
  const cases: RecordCase[] = [];
  const keepCases = reports.some(({ format }) => format === 'junit');
  const record = options.record === undefined ? undefined : new RecordFile(options.record);
  const seen = new Set<string>();
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const identity = { target: options.target, targetVersion: '', profile, parameters: contract.parameters };
  let end: { complete: boolean };
  try {
    end = await run(
      { contract, adapter, suites: chosen, strict, signal: abort.signal, ...limits },
      {
        onSession(description, sessionCases) {
          const { environment } = description;
          progress.expect(sessionCases.length, `${options.target} ${environment.id}`);
          if (seen.size === 0) {
            identity.targetVersion = `${description.name} ${description.version}`;
            record?.write({
              kind: 'header',
              format: 1,
              tool: `vfio-conform ${version}`,
              ...identity,
              seed,
              suites: chosen.map(({ name }) => name),
              suiteHash: suiteHash(chosen, contract),
            });
          }
          if (!seen.has(environment.id)) record?.write({ kind: 'environment', environment });
          seen.add(environment.id);
        },
        onCase(suite, trace, verdict, environment) {
          const one = toRecordCase(suite, trace, verdict);
          record?.write(one);
          tally.add(one);
          coverage.note(verdict.judgement, environment, trace);
          if (keepCases) cases.push(one);
          progress.tick(tally.failed.length);
        },
      },
    );
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  const seconds = (Date.now() - started) / 1000;
  const { result, code } = toResult(identity, tally, {
    seconds,
    ...end,
    total: coverage.total,
    unreached: coverage.unreached(),
    whole,
  });
  if (record) {
    record.write({
      kind: 'footer',
      cases: tally.programs,
      ops: tally.ops,
      verdicts: result.verdicts,
      seconds,
      complete: end.complete,
      rules: result.rules,
    });
    record.close();
  }
  (options.json ? process.stderr : process.stdout).write(toText(result, tally, whole));
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  writeReports(reports, { result, tally, cases, whole });
  process.exitCode = code;
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
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
}

function shard(text: string): { index: number; of: number } {
  const [part, of] = text.split('/').map(Number);
  if (!Number.isInteger(part) || !Number.isInteger(of) || part! < 1 || part! > of!)
    throw new Problem(`--shard ${text}: write I/N with I from 1 to N, as in 1/4.`);
  return { index: part! - 1, of: of! };
}
