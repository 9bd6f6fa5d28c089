import { expect, test } from 'vitest';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment, runOnModel } from '../../reference/model-target.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { Adapter, Need, ProgramResult } from '../../spec/uapi/adapter.ts';
import type { Program, RecordAttempt, Verdict } from '../../spec/uapi/vocabulary.ts';
import { decide } from '../assess/verdict.ts';
import { memory, openContainer } from '../programs/build.ts';
import { type Suite, single } from '../suites/suite.ts';
import { type Plan, run } from './run.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));

const programs: Program[] = Array.from({ length: 10 }, (_, i) => ({
  id: `test/${i}`,
  topology: { slots: {} },
  ops: [memory('arg', 1), openContainer('c')],
}));
const suite = (needs: Need[]): Suite => ({
  name: 'test',
  about: 'Ten programs.',
  needs: () => needs,
  units: () => [{ id: 'test', ops: [], programs: () => programs }],
});
const plain: Need = { machine: {}, slots: [] };
const other: Need = { machine: { interruptRemapping: false }, slots: [] };

/** A target that answers as the model, unless told otherwise; `offer` says what machine there really is. */
function stub(
  answer: (program: Program) => ProgramResult | Promise<ProgramResult> | undefined,
  offer = (need: Need) => need,
): Adapter {
  return {
    target: 'stub',
    async start(need) {
      const environment = modelEnvironment(offer(need));
      return {
        description: { name: 'stub', version: '1', ops: ['mmap', 'open'], environment },
        window: 4,
        run: (program) => answer(program) ?? runOnModel(contract, environment, program),
        async stop() {},
      };
    },
  };
}

async function runAll(plan: Partial<Plan> & { adapter: Adapter }) {
  const seen: string[] = [];
  const verdicts: Verdict[] = [];
  const missing: Need[] = [];
  const reasons: string[] = [];
  const tried: RecordAttempt[] = [];
  const end = await run(
    {
      contract,
      suites: [suite([plain])],
      only: [],
      judge: (trace, environment) => decide(contract, environment, trace, false),
      ...plan,
    },
    {
      onMissing: (need, why) => {
        missing.push(need);
        reasons.push(why);
      },
      onCase({ trace, attempts }, { verdict }) {
        seen.push(trace.program.id);
        verdicts.push(verdict);
        tried.push(...(attempts ?? []));
      },
    },
  );
  return { ...end, seen, verdicts, missing, reasons, tried };
}

test('results are reported in the order of the programs, whatever order they come in', async () => {
  const adapter = stub(async (program) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    return runOnModel(contract, modelEnvironment(plain), program);
  });
  const { seen, complete } = await runAll({ adapter });
  expect(seen).toEqual(programs.map(({ id }) => id));
  expect(complete).toBe(true);
});

test('a shard runs its part, a number of cases no more', async () => {
  const adapter = stub(() => undefined);
  expect((await runAll({ adapter, shard: { index: 1, of: 3 } })).seen).toEqual(['test/1', 'test/4', 'test/7']);
  expect((await runAll({ adapter, cases: 2 })).seen).toEqual(['test/0', 'test/1']);
});

test('an inconclusive program is tried once more', async () => {
  const tries = new Map<string, number>();
  const shortOfMemory: ProgramResult = { end: 'completed', outcomes: [{ errno: 'ENOMEM' }, { fd: 'c' }] };
  const adapter = stub(({ id }) => {
    tries.set(id, (tries.get(id) ?? 0) + 1);
    return id === 'test/3' || (id === 'test/5' && tries.get(id) === 1) ? shortOfMemory : undefined;
  });
  const { verdicts, tried } = await runAll({ adapter });
  expect(verdicts[3]).toBe('inconclusive');
  expect(verdicts[5]).toBe('pass');
  expect(tries.get('test/3')).toBe(2);
  expect(tries.get('test/0')).toBe(1);
  expect(tried).toEqual([
    { end: 'completed', ops: 2, reason: expect.stringContaining('ENOMEM') },
    { end: 'completed', ops: 2, reason: expect.stringContaining('ENOMEM') },
  ]);
});

test('a target that is lost for good ends the run with its reason, and nothing is left unheard', async () => {
  const adapter = stub(({ id }) => (id > 'test/4' ? Promise.reject(new Error('gone')) : undefined));
  await expect(runAll({ adapter })).rejects.toThrow('gone');
});

test('a machine that the target does not offer is told, and no program runs twice', async () => {
  const adapter = stub(
    () => undefined,
    () => plain,
  );
  const { seen, missing, reasons, complete } = await runAll({ adapter, suites: [suite([plain, other])] });
  expect(seen).toHaveLength(programs.length);
  expect(missing).toEqual([other]);
  expect(reasons).toEqual([
    expect.stringMatching(/^on the machine that the target starts, \w+ is \w+, and \w+ is needed$/),
  ]);
  expect(complete).toBe(true);
});

test('programs that need groups or ops that are not there are not applicable', async () => {
  const needy: Suite = {
    ...suite([plain]),
    units: () => [
      {
        id: 'test',
        ops: [],
        programs: (): Program[] => [
          { id: 'test/group', topology: { slots: { g: single } }, ops: [] },
          { id: 'test/op', topology: { slots: {} }, ops: [{ op: 'barrier' }] },
        ],
      },
    ],
  };
  expect((await runAll({ adapter: stub(() => undefined), suites: [needy] })).verdicts).toEqual([
    'not-applicable',
    'not-applicable',
  ]);
});

test('a run that is told to stop says that it is not complete', async () => {
  const abort = new AbortController();
  const adapter = stub(({ id }) => {
    if (id === 'test/5') abort.abort();
    return undefined;
  });
  const { complete, seen } = await runAll({ adapter, signal: abort.signal });
  expect(complete).toBe(false);
  expect(seen.length).toBeLessThan(programs.length);
});
