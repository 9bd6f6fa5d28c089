import { Assessment } from '../conformance/assess/assessment.ts';
import { readRecord } from '../reports/record-file.ts';
import { toText } from '../reports/text.ts';
import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import { parseReports, writeReports } from './report-option.ts';
import { isWhole, selectionOf, selectionText } from './selection-option.ts';
import { recordedSetting, type SettingOptions } from './setting.ts';

interface JudgeOptions extends SettingOptions {
  report?: string[];
  json?: boolean;
}

/** `vfio-conform judge`: judges what a record holds, sets the exit code. Throws a Problem. */
export async function judgeCommand(file: string, options: JudgeOptions): Promise<void> {
  const reports = parseReports(options.report);
  const record = readRecord(file);
  const { target, strict, selection } = record.header;
  const { contract, profile } = recordedSetting(file, record.header, options);
  const started = Date.now();
  const assessment = new Assessment({
    contract,
    profile,
    target,
    strict,
    selection: selectionOf(contract.data, selection),
    whole: isWhole(selection),
    selected: selectionText(selection),
  });
  for (const { environment, targetVersion, units } of record.machines)
    assessment.machine(environment, targetVersion, new Set(units.map(({ id }) => id)));
  for (const { need } of record.missing) assessment.missing(need);
  const cases: RecordCase[] = [];
  for (const one of record.cases) {
    const environment = record.environments.get(one.trace.environment)!;
    cases.push(assessment.add(one, assessment.judge(one.trace, environment), environment));
  }
  const { result, code, footer, failed } = assessment.finish({
    seconds: (Date.now() - started) / 1000,
    complete: record.incomplete === undefined,
    lost: record.footer?.lost,
  });
  const reportable = { result, footer, failed, cases, replay: `--target ${target} --profile ${profile}` };
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
