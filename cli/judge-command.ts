import { Coverage } from '../conformance/coverage.ts';
import { TransitionCoverage } from '../conformance/lifecycle/coverage.ts';
import { lifecycle } from '../conformance/lifecycle/suite.ts';
import { decide, toRecordCase } from '../conformance/verdict.ts';
import { readRecord } from '../reports/record-file.ts';
import { Tally, toResult } from '../reports/tally.ts';
import { toText } from '../reports/text.ts';
import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import { parseReports, writeReports } from './report-option.ts';
import { recordedSetting, type SettingOptions } from './setting.ts';

interface JudgeOptions extends SettingOptions {
  report?: string[];
  json?: boolean;
}

/** `vfio-conform judge`: judges what a record holds, sets the exit code. Throws a Problem. */
export async function judgeCommand(file: string, options: JudgeOptions): Promise<void> {
  const reports = parseReports(options.report);
  const record = readRecord(file);
  const { contract, profile } = recordedSetting(file, record.header, options);
  const started = Date.now();
  const tally = new Tally();
  const coverage = new Coverage(contract);
  const transitions = new TransitionCoverage(contract);
  if (record.header.suites.includes(lifecycle.name))
    for (const environment of record.environments.values()) transitions.expect(environment);
  const cases: RecordCase[] = [];
  for (const { suite, trace } of record.cases) {
    const environment = record.environments.get(trace.environment)!;
    const verdict = decide(contract, environment, trace, record.header.strict);
    const one = toRecordCase(suite, trace, verdict);
    tally.add(one);
    coverage.note(verdict.judgement, environment, trace);
    transitions.note(environment, trace, verdict);
    cases.push(one);
  }
  const { target } = record.header;
  const { targetVersion } = record;
  const { result, code } = toResult({ target, targetVersion, profile, parameters: contract.parameters }, tally, {
    seconds: (Date.now() - started) / 1000,
    complete: record.incomplete === undefined,
    total: coverage.total,
    unreached: coverage.unreached(),
    transitions: transitions.count(),
    whole: false,
  });
  const replay = `--target ${target} --profile ${profile}`;
  const reportable = { result, tally, cases, whole: false, replay };
  const elsewhere = options.json || reports.some(({ file: own }) => own === undefined);
  (elsewhere ? process.stderr : process.stdout).write(toText(reportable));
  if (record.incomplete)
    process.stderr.write(
      `vfio-conform: ${file}: ${record.incomplete}; ${record.cases.length} cases are there and were judged.\n`,
    );
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  writeReports(reports, reportable);
  process.exitCode = code;
}
