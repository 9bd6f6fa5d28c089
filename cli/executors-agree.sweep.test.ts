// The executors of programs, held against each other where no device is needed: the model, the simulator, and the daemon for Linux.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { builtDaemons, TestDaemon } from '../adapters/native/test-daemon.ts';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { judge } from '../reference/judge.ts';
import { modelEnvironment, runOnModel } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Adapter, ProgramResult, Session } from '../spec/uapi/adapter.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';
import { programsWithContainers, programsWithPlainFiles } from './test-odd-programs.ts';

const programs = {
  part: { numRuns: 400, seed: 25 },
  whole: { numRuns: 20_000, seed: 20261130 },
}[inject('sweep')];

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'v1-singleton'));
const nothing: Parameters<Adapter['start']>[0] = { machine: {}, slots: [] };
const environment = modelEnvironment(nothing);

/** What the model leaves to others. */
const leftOpen = /the contract does not say what happens|is shared, and not accessible everywhere/;
/** What the daemon cannot do, though a program may ask for it. */
const beyondDaemon = /of the way of the program's descriptors|no descriptor left to make its file/;

const asProgram = (ops: Op[]): Program => ({ id: 'odd', topology: { slots: {} }, ops });

/** Pages for writing only of memory of a descriptor: there the daemon lets the kernel read, which does not as CPUs do. */
const readsWhatIsForWriting = (ops: readonly Op[]): boolean =>
  ops.some((op) => op.op === 'mmap' && op.backing === 'fd') &&
  ops.some((op) => (op.op === 'mmap' || op.op === 'protect') && op.protection === 'write');

/** What came of a program: a refusal of all of it counts as one of its first op. */
async function onDaemon(daemon: TestDaemon, ops: Op[]): Promise<ProgramResult & { refused: boolean }> {
  daemon.start(...ops);
  const answer = await daemon.next();
  if (answer.type === 'error') return { end: 'unsupported', outcomes: [], detail: answer.message, refused: true };
  if (answer.type !== 'result') throw new Error(JSON.stringify(answer));
  return { ...answer, refused: answer.end === 'unsupported' && answer.outcomes.length === 0 };
}

describe('odd programs', () => {
  let simulator: Session;
  beforeAll(async () => {
    simulator = await simulatorAdapter().start(nothing);
  });

  test.each([
    ['plain files', programsWithPlainFiles],
    ['containers', programsWithContainers],
  ])('with %s do on the simulator what they do on the model', (_, arbitrary) => {
    const completed = { model: 0, simulator: 0 };
    fc.assert(
      fc.property(arbitrary, (ops) => {
        const program = asProgram(ops);
        const there = simulator.run(program, {}) as ProgramResult;
        const here = runOnModel(contract, environment, program);
        if (arbitrary === programsWithPlainFiles)
          expect(there.outcomes.slice(0, here.outcomes.length)).toEqual(here.outcomes);
        if (!leftOpen.test(here.detail ?? ''))
          expect([there.end, there.outcomes.length]).toEqual([here.end, here.outcomes.length]);
        const { kind } = judge(contract, environment, { program, outcomes: there.outcomes });
        expect([kind, there.outcomes]).not.toEqual(['violates', there.outcomes]);
        completed.model += Number(here.end === 'completed');
        completed.simulator += Number(there.end === 'completed');
      }),
      programs,
    );
    // The programs are worth running: many come to their end.
    expect(completed.simulator).toBeGreaterThan(programs.numRuns / 8);
    if (arbitrary === programsWithContainers) expect(completed.model).toBeGreaterThan(programs.numRuns / 8);
  });

  describe.each(builtDaemons())('$name', ({ binary, missing }) => {
    let daemon: TestDaemon;
    beforeAll(() => {
      if (missing === undefined) daemon = new TestDaemon(binary, '--timeout', '60');
    });
    afterAll(async () => missing ?? expect(await daemon.stop()).toBe(0));

    // Each is a round trip, and the sanitizers take their time.
    const oneIn = binary.endsWith('sanitized') ? 4 : 1;
    const some = { ...programs, numRuns: programs.numRuns / oneIn };

    test('does with them what the simulator does', async (context) => {
      if (missing !== undefined) return context.skip(missing);
      await fc.assert(
        fc.asyncProperty(programsWithPlainFiles, async (ops) => {
          if (readsWhatIsForWriting(ops)) return;
          const there = await onDaemon(daemon, ops);
          const here = simulator.run(asProgram(ops), {}) as ProgramResult;
          const compared = there.refused || beyondDaemon.test(there.detail ?? '') ? there.outcomes.length : undefined;
          expect(there.outcomes).toEqual(here.outcomes.slice(0, compared));
          if (there.refused) expect(here.end).toBe('unsupported');
          if (compared === undefined) expect(there.end).toBe(here.end);
        }),
        some,
      );
    });
  });
});
