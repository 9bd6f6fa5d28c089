import { describe, expect, inject, test } from 'vitest';
import { memory, openContainer } from '../../conformance/programs/build.ts';
import { faults } from '../../conformance/suites/faults/suite.ts';
import { isolation } from '../../conformance/suites/isolation/suite.ts';
import { lifecycle } from '../../conformance/suites/lifecycle/suite.ts';
import { scenarioSuite } from '../../conformance/suites/scenarios/suite.ts';
import { mergeNeeds, programsOf, type Suite } from '../../conformance/suites/suite.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { Environment, Op, Program } from '../../spec/uapi/vocabulary.ts';
import { type Contract, compileContract } from '../interpreter/contract.ts';
import { execute } from '../interpreter/execute.ts';
import { MalformedProgram } from '../interpreter/malformed-program.ts';
import { PAGE } from '../memory/user-memory.ts';
import { lastChoice, modelEnvironment, runOnModel } from '../model-target.ts';
import { copyWithoutMemory, copyWorld } from './copy-world.ts';
import { describeState, World } from './state.ts';

const data = loadContract();

/** Of each suite one program in so many is run, cut in two at so many places: stories differ most. */
const chosen: { suite: Suite; oneIn: number; cuts: number }[] = [
  { suite: scenarioSuite, ...{ part: { oneIn: 3, cuts: 1 }, whole: { oneIn: 1, cuts: 3 } }[inject('sweep')] },
  { suite: lifecycle, oneIn: 12, cuts: 1 },
  { suite: isolation, oneIn: 12, cuts: 1 },
  { suite: faults, oneIn: 12, cuts: 1 },
];

/** Ways to go on are taken in turn, beginning with another one in each op. */
function chooserFor(op: number) {
  let next = op;
  return { choose: (ways: number) => next++ % ways };
}

/** A program under way on a world of its own. */
class Run {
  readonly world: World;
  private readonly contract: Contract;
  private readonly ops: readonly Op[];
  private next: number;

  constructor(contract: Contract, ops: readonly Op[], world: World, next = 0) {
    this.contract = contract;
    this.ops = ops;
    this.world = world;
    this.next = next;
  }

  /** The same in a world of its own. */
  copy(how = copyWorld): Run {
    return new Run(this.contract, this.ops, how(this.world), this.next);
  }

  /** What the ops before `end` come to, up to the first that no contract decides, and the state then. */
  goOn(end = this.ops.length): string {
    const seen: string[] = [];
    while (this.next < end) {
      const index = this.next++;
      const said = this.perform(index);
      seen.push(said ?? `op ${index} is not decided`);
      if (said === undefined) this.next = this.ops.length;
    }
    return [...seen, inWords(this.world)].join('\n');
  }

  /** Does the ops that are left, and once more the other way round, whatever comes of them. */
  goAstray(): void {
    const left = this.ops.map((_, index) => index).slice(this.next);
    for (const index of [...left, ...left.toReversed()]) this.perform(index);
  }

  /** What an op comes to; undefined if the contract does not say, or if no program may do that. */
  private perform(index: number): string | undefined {
    try {
      const op = this.ops[index]!;
      const { rule, unspecified, ...rest } = execute(this.contract, this.world, op, index, chooserFor(index));
      if (rest.outcome.kind === 'undefined') return undefined;
      const open = unspecified?.map(({ process, region, at, length }) => [process.name, region.name, at, length]);
      return JSON.stringify({ rule: rule.id, ...rest, open }, plainly);
    } catch (error) {
      if (error instanceof MalformedProgram) return undefined;
      throw error;
    }
  }
}

/** The state, and which rules made it so. */
const inWords = (world: World): string =>
  [...describeState(world), ...world.history.map(({ op, rule }) => `${op} ${rule}`)].join('\n');

const plainly = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value);

/** A program that is cut in two, and what its second part comes to without a copy. */
interface CutProgram {
  environment: Environment;
  program: Program;
  cut: number;
  expected: string;
}

/** A world in which the first part of a program was run. */
function runFirstPart(contract: Contract, { environment, program, cut }: Omit<CutProgram, 'expected'>): Run {
  const run = new Run(contract, program.ops, new World(environment, program.topology.slots));
  run.goOn(cut);
  return run;
}

/** Programs with the places to cut them, which over all of them are spread evenly. */
function* cutPrograms(contract: Contract): Iterable<CutProgram> {
  let programs = 0;
  let places = 0;
  for (const { suite, oneIn, cuts } of chosen) {
    for (const need of mergeNeeds(suite.needs())) {
      const environment = modelEnvironment(need);
      for (const program of programsOf(suite, contract, environment)) {
        if (programs++ % oneIn !== 0) continue;
        for (let i = 0; i < cuts; i++) {
          const cut = Math.floor(((places++ * GOLDEN) % 1) * (program.ops.length + 1));
          const one = { environment, program, cut };
          yield { ...one, expected: runFirstPart(contract, one).goOn() };
        }
      }
    }
  }
}

const GOLDEN = 0.6180339887498949;

/** Takes more buffers than a world gives back, and leaves something in all of them. */
function takeBuffers(contract: Contract): void {
  const pages = 32;
  const ops: Op[] = [memory('much', pages), { op: 'poke', memory: 'much', at: 0, bytes: 'ee'.repeat(pages * PAGE) }];
  runOnModel(contract, modelEnvironment({ machine: {}, slots: [] }), { id: 'much', topology: { slots: {} }, ops });
}

describe.each(['v1', 'v1-singleton', 'type1-6.12'])(
  'a copy of the world in the midst of a program for %s',
  (profile) => {
    const contract = compileContract(data, parameterSetting(data, profile));
    const programs = [...cutPrograms(contract)];

    /** Programs whose second part, run in some way, comes to something else than without a copy. */
    function otherwise(run: (first: Run) => string): string[] {
      return programs
        .filter((one) => run(runFirstPart(contract, one)) !== one.expected)
        .map(({ program, cut }) => `${program.id}, cut at ${cut}`);
    }

    test('is made in many programs', () => {
      expect(programs.length).toBeGreaterThan(inject('sweep') === 'whole' ? 200 : 100);
    });

    test('leaves the original as it was, also when it is released', () => {
      expect(
        otherwise((original) => {
          const copy = original.copy();
          copy.goAstray();
          copy.world.release();
          takeBuffers(contract);
          return original.goOn();
        }),
      ).toEqual([]);
    });

    test('goes on as the original would have done, whatever became of that', () => {
      expect(
        otherwise((original) => {
          const copy = original.copy();
          original.goAstray();
          original.world.release();
          takeBuffers(contract);
          return copy.goOn();
        }),
      ).toEqual([]);
    });

    test('that has the memory of the original goes on as that would', () => {
      expect(
        otherwise((original) => {
          const copy = original.copy(copyWithoutMemory);
          const seen = copy.goOn();
          copy.world.releaseDevices();
          return seen;
        }),
      ).toEqual([]);
    });

    test('that has the memory of the original changes nothing else of it', () => {
      const changed = programs.filter((one) => {
        const { world } = runFirstPart(contract, one);
        const before = inWords(world);
        const copy = new Run(contract, one.program.ops, copyWithoutMemory(world), one.cut);
        copy.goAstray();
        return inWords(world) !== before;
      });
      expect(changed.map(({ program, cut }) => `${program.id}, cut at ${cut}`)).toEqual([]);
    });
  },
);

test('what is told to fail in a copy does not fail in the original', () => {
  const contract = compileContract(data, parameterSetting(data, 'v1'));
  const ops: Op[] = [{ op: 'inject', fault: 'allocation', nth: 1 }, openContainer('c')];
  const original = new World(modelEnvironment({ machine: {}, slots: [] }), {});
  const copy = copyWorld(original);
  const perform = (world: World, op: Op) => execute(contract, world, op, 0, lastChoice).outcome;
  perform(copy, ops[0]!);
  expect(perform(original, ops[1]!)).toEqual({ kind: 'fd' });
  expect(perform(copy, ops[1]!)).toEqual({ kind: 'errno', errno: 'ENOMEM' });
});
