import { isDeepStrictEqual } from 'node:util';
import { machineName, spelledOut } from '../spec/uapi/emulated-machine.ts';
import { toBigInt } from '../spec/uapi/integer.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type {
  DeviceModel,
  DiffCondition,
  DiffPrograms,
  Environment,
  Integer,
  Outcome,
  Trace,
} from '../spec/uapi/vocabulary.ts';
import type { RunRecord } from './record-file.ts';

/** A program on which two targets differ, and the index of the first op where they do. */
export interface Divergence {
  machine: string;
  op: number;
  first: Trace;
  second: Trace;
}

/** What two records have in common, and where they part. */
export interface RecordDiff {
  conditions: DiffCondition[];
  programs: DiffPrograms;
  divergences: Divergence[];
}

/** Compares two records, program by program, each up to its first difference. Throws a Problem for a record with a program twice. */
export function diffRecords(first: RunRecord, second: RunRecord): RecordDiff {
  const programs: DiffPrograms = { compared: 0, different: 0, onlyFirst: 0, onlySecond: 0, changed: 0, notRun: 0 };
  const divergences: Divergence[] = [];
  const left = byMachineAndName(first, 'first');
  const right = byMachineAndName(second, 'second');
  for (const [key, { machine, trace }] of left) {
    const other = right.get(key)?.trace;
    if (!other) programs.onlyFirst++;
    else if (!sameProgram(trace, other)) programs.changed++;
    else {
      const op = firstDifference(trace, other);
      if (op === undefined && (trace.end === 'unsupported' || other.end === 'unsupported')) programs.notRun++;
      else programs.compared++;
      if (op !== undefined) divergences.push({ machine, op, first: trace, second: other });
    }
  }
  programs.different = divergences.length;
  for (const key of right.keys()) if (!left.has(key)) programs.onlySecond++;
  return { conditions: conditions(first, second), programs, divergences };
}

/** Targets name their environments as they like: what makes programs comparable is the kind of machine. */
function byMachineAndName(
  { cases, environments }: RunRecord,
  which: string,
): Map<string, { machine: string; trace: Trace }> {
  const machines = new Map([...environments.values()].map((environment) => [environment.id, machineOf(environment)]));
  const all = new Map<string, { machine: string; trace: Trace }>();
  for (const { trace } of cases) {
    const machine = machines.get(trace.environment)!;
    const key = `${machine} ${trace.program.id}`;
    if (all.has(key))
      throw new Problem(
        `the ${which} record has the program ${trace.program.id} twice on ${machine}; give one run a record.`,
      );
    all.set(key, { machine, trace });
  }
  return all;
}

function machineOf({ machine }: Environment): string {
  return machineName(spelledOut(machine));
}

function sameProgram({ program }: Trace, { program: other }: Trace): boolean {
  return isDeepStrictEqual(program.ops, other.ops) && isDeepStrictEqual(program.topology, other.topology);
}

/** Index of the first op at which two traces of one program differ. */
function firstDifference(first: Trace, second: Trace): number | undefined {
  const both = Math.min(first.outcomes.length, second.outcomes.length);
  for (let i = 0; i < both; i++) if (!sameOutcome(first.outcomes[i]!, second.outcomes[i]!)) return i;
  if (first.end === 'unsupported' || second.end === 'unsupported') return undefined;
  if (first.end === second.end && first.outcomes.length === second.outcomes.length) return undefined;
  return Math.min(both, first.program.ops.length - 1);
}

/** Whether two outcomes are the same; when they came does not matter. */
function sameOutcome(one: Outcome, other: Outcome): boolean {
  return (
    one.errno === other.errno &&
    one.fd === other.fd &&
    one.bytes === other.bytes &&
    sameInteger(one.value, other.value) &&
    isDeepStrictEqual(one.changed ?? [], other.changed ?? []) &&
    isDeepStrictEqual(numbers(one.saved), numbers(other.saved))
  );
}

function sameInteger(one: Integer | undefined, other: Integer | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && toBigInt(one) === toBigInt(other));
}

function numbers(saved: Outcome['saved'] = {}): Record<string, bigint> {
  return Object.fromEntries(Object.entries(saved).map(([name, value]) => [name, toBigInt(value)]));
}

/** In what the runs and their machines differ, as far as it bears on outcomes. */
function conditions(first: RunRecord, second: RunRecord): DiffCondition[] {
  const made = ({ header: { tool, contract, selection, seed } }: RunRecord) => {
    const { suites, only = [], shard, cases } = selection;
    return {
      tool: `${tool.name} ${tool.version}`,
      contract,
      suites: suites.join(),
      only: only.join(),
      shard,
      cases,
      seed,
    };
  };
  const machines = (record: RunRecord) =>
    new Map([...record.environments.values()].map((environment) => [machineOf(environment), environment]));
  const left = machines(first);
  const right = machines(second);
  const found: DiffCondition[] = propertiesThatDiffer(made(first), made(second));
  for (const machine of new Set([...left.keys(), ...right.keys()])) {
    const one = left.get(machine);
    const other = right.get(machine);
    if (one && other)
      for (const difference of propertiesThatDiffer(properties(one), properties(other)))
        found.push({ machine, ...difference });
    else
      found.push({ machine, property: 'programs', first: one ? 'run' : 'not run', second: other ? 'run' : 'not run' });
  }
  return found;
}

/** What an environment says about a machine; its groups show in the programs that could not be run. */
function properties({ id: _, machine: __, slots: ___, device, models, ...own }: Environment): Record<string, unknown> {
  const ofModel = (place: string, model: DeviceModel) =>
    Object.entries(model).map(([name, value]) => [`${place}.${name}`, value]);
  const further = Object.entries(models ?? {}).flatMap(([name, model]) => ofModel(`models.${name}`, model));
  return { ...own, ...Object.fromEntries([...ofModel('device', device), ...further]) };
}

function propertiesThatDiffer(first: Record<string, unknown>, second: Record<string, unknown>): DiffCondition[] {
  return [...new Set([...Object.keys(first), ...Object.keys(second)])]
    .filter((property) => comparable(first[property]) !== comparable(second[property]))
    .map((property) => ({ property, first: text(first[property]), second: text(second[property]) }));
}

/** A number may be spelled in two ways. */
function comparable(value: unknown): string | undefined {
  return JSON.stringify(value, (_, one) => (typeof one === 'number' ? `0x${one.toString(16)}` : one));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'not known');
}
