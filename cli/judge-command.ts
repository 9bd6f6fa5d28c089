import { Assessment } from '../conformance/assess/assessment.ts';
import { readRecord } from '../reports/record-file.ts';
import { toText } from '../reports/text.ts';
import { visible, visibleJson } from '../spec/uapi/visible.ts';
import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import { replayOptions } from './options/replay-options.ts';
import { parseReports, writeReports } from './options/report-option.ts';
import { rulesToReach, selectionOf, selectionText } from './options/selection-option.ts';
import { recordedSetting, type SettingOptions } from './options/setting.ts';

interface JudgeOptions extends SettingOptions {
  report?: string[];
  allowLosses?: true;
  json?: boolean;
}

/** `vfio-conform judge`: judges what a record holds, sets the exit code. Throws a Problem. */
export async function judgeCommand(file: string, options: JudgeOptions): Promise<void> {
  const reports = parseReports(options.report, options.json);
  const record = readRecord(file);
  const { target, strict, selection, parameters, options: given } = record.header;
  const { contract, profile } = recordedSetting(file, record.header, options);
  const started = Date.now();
  const allowLosses = options.allowLosses ?? record.header.allowLosses;
  const assessment = new Assessment({
    contract,
    profile,
    target,
    strict,
    selection: selectionOf(contract.data, selection),
    answers: rulesToReach(selection),
    selected: selectionText(selection),
    allowLosses,
  });
  const cases: RecordCase[] = [];
  // In the order of the run: what first excuses a rule, or keeps a transition from being taken, is what is told.
  for (const line of record.body) {
    switch (line.kind) {
      case 'machine':
        assessment.machine(line.environment, line.targetVersion, new Set(line.units.map(({ id }) => id)));
        break;
      case 'missing':
        assessment.missing(line.need);
        break;
      case 'loss': {
        const { kind, after, seconds, ...loss } = line;
        assessment.loss(loss, seconds);
        break;
      }
      case 'case': {
        const environment = record.environments.get(line.trace.environment)!;
        cases.push(assessment.add(line, assessment.judge(line.trace, environment), environment));
        break;
      }
      default:
        line satisfies never;
    }
  }
  const { result, code, footer, failed } = assessment.finish({
    seconds: (Date.now() - started) / 1000,
    complete: record.incomplete === undefined,
    lost: record.footer?.lost,
  });
  const replay = replayOptions({
    target,
    followed: parameters,
    contract,
    profile,
    modules: given.modules,
    boot: given.boot,
    kernelPackage: given.kernelPackage,
    spec: options.spec,
  });
  const reportable = { result, footer, failed, cases, allowLosses, replay };
  const elsewhere = options.json || reports.some(({ file: own }) => own === undefined);
  (elsewhere ? process.stderr : process.stdout).write(toText(reportable));
  if (contract.data.hash !== record.header.contract)
    process.stderr.write(
      `vfio-conform: ${visible(file)}: was made with another contract than it was judged by; name that one by --spec.\n`,
    );
  if (record.incomplete)
    process.stderr.write(
      `vfio-conform: ${visible(`${file}: ${record.incomplete}`)}; ${record.cases.length} cases are there and were judged.\n`,
    );
  if (options.json) process.stdout.write(`${visibleJson(result)}\n`);
  writeReports(reports, reportable);
  process.exitCode = code;
}
