import { Assessment } from '../conformance/assess/assessment.ts';
import { readRecord } from '../reports/record-file.ts';
import { machineText, toBriefText, toText, verdictText } from '../reports/text.ts';
import { visible, visibleJson } from '../spec/uapi/visible.ts';
import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import { replayOptions } from './options/replay-options.ts';
import { parseReports, writeReports } from './options/report-option.ts';
import { rulesToReach, selectionOf, selectionText } from './options/selection-option.ts';
import { recordedSetting, type SettingOptions } from './options/setting.ts';
import { type VerbosityOptions, verbosityOf } from './options/verbosity.ts';
import { paintFor } from './paint-for.ts';
import { othersOf } from './target.ts';

interface JudgeOptions extends SettingOptions, VerbosityOptions {
  report?: string[];
  allowLosses?: true;
  json?: boolean;
  /** The file is what a daemon answered to these requests. */
  programs?: string;
}

/** `vfio-conform judge`: judges what a record holds, sets the exit code. Throws a Problem. */
export async function judgeCommand(file: string, options: JudgeOptions): Promise<void> {
  if (options.programs !== undefined)
    return (await import('./judge-results.ts')).judgeResults(file, { ...options, programs: options.programs });
  const verbosity = verbosityOf(options);
  const tell = (line: string): void => void (verbosity === 'verbose' && process.stderr.write(`${line}\n`));
  const reports = parseReports(options.report, options.json);
  const record = readRecord(file);
  const { target, strict, selection, parameters, environment, options: given } = record.header;
  const others = othersOf(given);
  const { contract, profile } = recordedSetting(file, record.header, options);
  const started = Date.now();
  const allowLosses = options.allowLosses ?? record.header.allowLosses;
  const assessment = new Assessment({
    contract,
    profile,
    target: [target, ...others].join(' and '),
    strict,
    selection: selectionOf(contract.data, selection),
    answers: rulesToReach(selection),
    selected: selectionText(selection),
    allowLosses,
    environment,
  });
  const cases: RecordCase[] = [];
  // In the order of the run: what first excuses a rule, or keeps a transition from being taken, is what is told.
  for (const line of record.body) {
    switch (line.kind) {
      case 'machine':
        assessment.machine(line.environment, line.targetVersion, new Set(line.units.map(({ id }) => id)));
        tell(machineText(line.targetVersion, line.environment, sum(line.units.map((unit) => unit.programs))));
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
        const judged = assessment.add(line, assessment.judge(line.trace, environment), environment);
        cases.push(judged);
        tell(`${judged.trace.program.id}: ${verdictText(judged, paintFor(process.stderr))}`);
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
    others,
    followed: parameters,
    contract,
    profile,
    modules: given.modules,
    boot: given.boot,
    kernelPackage: given.kernelPackage,
    environment: given.environment,
    spec: options.spec,
  });
  const reportable = { result, footer, failed, cases, allowLosses, replay };
  const elsewhere = options.json || reports.some(({ file: own }) => own === undefined);
  const people = elsewhere ? process.stderr : process.stdout;
  people.write((verbosity === 'quiet' ? toBriefText : toText)(reportable, paintFor(people)));
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

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
