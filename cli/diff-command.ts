import {
  type Attribution,
  attribute,
  type Setting,
  settingName,
  type TraceSide,
} from '../conformance/assess/divergence.ts';
import { toToken } from '../conformance/running/token.ts';
import { describeOutcome } from '../reference/interpreter/outcome.ts';
import { type Divergence, diffRecords } from '../reports/diff.ts';
import { toDiffText } from '../reports/diff-text.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import { type RunRecord, readRecord } from '../reports/record-file.ts';
import { visibleJson } from '../spec/uapi/visible.ts';
import type { DiffCase, DiffGroup, DiffRecord, DiffResult, Trace } from '../spec/uapi/vocabulary.ts';
import { recordedSetting } from './options/setting.ts';

interface DiffOptions {
  spec?: string;
  all?: boolean;
  json?: boolean;
}

/** `vfio-conform diff`: shows where two targets behave differently, sets the exit code. Throws a Problem. */
export async function diffCommand(first: string, second: string, options: DiffOptions): Promise<void> {
  const [one, other] = [readSide(first, options), readSide(second, options)];
  const { conditions, programs, divergences } = diffRecords(one.record, other.record);
  const complete = !one.record.incomplete && !other.record.incomplete;
  const code = divergences.length > 0 ? 1 : complete && programs.compared > 0 ? 0 : 3;
  const result: DiffResult = {
    same: code === 0,
    complete,
    first: about(one),
    second: about(other),
    conditions,
    programs,
    groups: groups(one, other, divergences),
  };
  (options.json ? process.stderr : process.stdout).write(toDiffText(result, options.all ?? false));
  if (options.json) process.stdout.write(`${visibleJson(result)}\n`);
  process.exitCode = code;
}

/** A record and what it was judged by. */
interface Side {
  file: string;
  record: RunRecord;
  setting: Setting;
}

function readSide(file: string, { spec }: DiffOptions): Side {
  const record = readRecord(file);
  return { file, record, setting: recordedSetting(file, record.header, { spec }) };
}

function about({ file, record: { header, targetVersion, cases, incomplete }, setting }: Side): DiffRecord {
  return {
    file,
    target: header.target,
    targetVersion,
    setting: settingName(setting),
    programs: cases.length,
    ...(incomplete && { incomplete }),
  };
}

/** Differences by the rules behind them; most programs first. */
function groups(one: Side, other: Side, divergences: readonly Divergence[]): DiffGroup[] {
  const found = new Map<string, DiffGroup>();
  for (const divergence of divergences) {
    const { first, second, op } = divergence;
    const attribution = attribute(sideAt(one, first), sideAt(other, second), op);
    const key = keyOf(attribution);
    const group = found.get(key) ?? { ...attribution, cases: [] };
    group.cases.push(toCase(divergence));
    found.set(key, group);
  }
  return [...found.values()].sort((a, b) => b.cases.length - a.cases.length);
}

function sideAt({ record, setting }: Side, trace: Trace): TraceSide {
  return { setting, environment: record.environments.get(trace.environment)!, trace };
}

function keyOf({ first, second, parameters }: Attribution): string {
  return JSON.stringify([first, second, parameters]);
}

function toCase({ machine, op, first, second }: Divergence): DiffCase {
  const { program } = first;
  return {
    program: program.id,
    machine,
    op,
    operation: program.ops[op] ? describeOp(program.ops[op], kindsOf(program.ops)) : '',
    first: resultAt(first, op),
    second: resultAt(second, op),
    token: toToken(program),
  };
}

/** What an op returned on a target, and whether it came to its end there. */
function resultAt({ outcomes, end, detail, program }: Trace, op: number): string {
  const outcome = outcomes[op];
  const ended = outcomes.length <= op + 1 && (end !== 'completed' || outcomes.length < program.ops.length);
  const ending = ended ? `${end}${detail ? `: ${detail}` : ''}` : undefined;
  return [outcome ? describeOutcome(outcome) : 'did not return', ending].filter(Boolean).join('; ');
}
