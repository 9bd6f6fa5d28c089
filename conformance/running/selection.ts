import type { Contract } from '../../reference/interpreter/contract.ts';
import { rulesOnModel } from '../../reference/model-target.ts';
import { everyStep, rulesOf } from '../../spec/contract/steps.ts';
import type { Handler } from '../../spec/contract/types.ts';
import type { Environment, Program } from '../../spec/uapi/vocabulary.ts';
import type { Suite, Unit } from '../suites/suite.ts';
import { performs } from './performs.ts';

/** What a part of the suites is chosen by. */
export type Pattern =
  | { kind: 'suite'; name: string }
  /** Units about an ioctl or another operation, by the handlers for it. */
  | { kind: 'handlers'; name: string; handlers: readonly Handler[] }
  /** Programs in which a rule decides or has its effect on the contract itself, out of the units about its handlers. */
  | { kind: 'rule'; id: string }
  /** Programs whose ids start so. */
  | { kind: 'programs'; start: string };

/** The part of the suites that a run is of. */
export interface Selection {
  suites: readonly Suite[];
  /** Nothing: all programs of the suites. */
  only: readonly Pattern[];
}

/** The units of a suite that a selection takes programs from. */
export function* selectedUnits(
  { only }: Selection,
  suite: Suite,
  contract: Contract,
  environment: Environment,
): Iterable<Unit> {
  const takes = only.map((pattern) => unitTest(pattern, suite, contract));
  for (const unit of suite.units(contract, environment))
    if (takes.length === 0 || takes.some((test) => test(unit))) yield unit;
}

/** The programs that a selection takes from a unit, each with its place in the whole unit. */
export function* selectedPrograms(
  { only }: Selection,
  suite: Suite,
  unit: Unit,
  contract: Contract,
  environment: Environment,
): Iterable<{ index: number; program: Program }> {
  const patterns = only.filter((pattern) => unitTest(pattern, suite, contract)(unit));
  const all = patterns.length === 0 || patterns.some(({ kind }) => kind === 'suite' || kind === 'handlers');
  let index = 0;
  for (const program of unit.programs()) {
    if (all || patterns.some((pattern) => takesProgram(pattern, program, contract, environment)))
      yield { index, program };
    index++;
  }
}

/** The rules that a selection names: the run answers for each of them being reached. */
export function namedRules({ only }: Selection): string[] {
  return [...new Set(only.flatMap((pattern) => (pattern.kind === 'rule' ? [pattern.id] : [])))];
}

function unitTest(pattern: Pattern, suite: Suite, contract: Contract): (unit: Unit) => boolean {
  const { data } = contract;
  switch (pattern.kind) {
    case 'suite':
      return () => suite.name === pattern.name;
    case 'programs': {
      const { start } = pattern;
      return ({ id }) => start.startsWith(id) || id.startsWith(start);
    }
    case 'handlers':
      return ({ ops }) => pattern.handlers.some((handler) => ops.some((op) => performs(data, handler, op)));
    case 'rule': {
      const handlers = data.handlers.filter(({ steps }) =>
        [...everyStep(steps)].some((step) => rulesOf(step).includes(pattern.id)),
      );
      return ({ ops }) => handlers.some((handler) => ops.some((op) => performs(data, handler, op)));
    }
    default:
      return pattern satisfies never;
  }
}

function takesProgram(pattern: Pattern, program: Program, contract: Contract, environment: Environment): boolean {
  if (pattern.kind === 'programs') return program.id.startsWith(pattern.start);
  return pattern.kind === 'rule' && rulesOnModel(contract, environment, program).has(pattern.id);
}
