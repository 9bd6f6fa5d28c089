// What docs/protocol.md says of names and memory, on each executor of programs: the model, the simulator, the daemon for Linux.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtDaemons, TestDaemon } from '../adapters/native/test-daemon.ts';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { faults } from '../conformance/suites/faults/suite.ts';
import { assignSlots, programsOf } from '../conformance/suites/suite.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { judge } from '../reference/judge.ts';
import { modelEnvironment, runOnModel } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ProgramResult } from '../spec/uapi/adapter.ts';
import type { Op } from '../spec/uapi/vocabulary.ts';

const PAGE = 4096;
const FIOCLEX = 0x5451;
const FIONBIO = 0x5421;
const FIONREAD = 0x541b;
const FIGETBSZ = 2;

const pipe = (as: string): Op => ({ op: 'open', what: 'pipe', as });
const zeros = (as: string): Op => ({ op: 'open', what: 'path', path: '/dev/zero', as });
const memory = (as: string, more: object = {}): Op => ({ op: 'mmap', as, length: PAGE, ...more });
const close = (fd: string): Op => ({ op: 'close', fd });
const flag = (fd: string): Op => ({ op: 'close_on_exec', fd });
const dup = (fd: string, as: string): Op => ({ op: 'dup', fd, as });
const poke = (name: string, at: number, bytes: string, more: object = {}): Op => ({
  op: 'poke',
  memory: name,
  at,
  bytes,
  ...more,
});
const peek = (name: string, length = 4, at = 0): Op => ({ op: 'peek', memory: name, at, length });
const fill = (fd: string, name: string, at: number, length: number): Op => ({
  op: 'pread',
  fd,
  offset: 0,
  memory: name,
  at,
  length,
});
const noMore: Op = { op: 'rlimit', resource: 'nofile', value: 3 };

/** Ops, and what each gave. Where the contract leaves open what an op does, the model ends. */
const programs: [string, Op[], (string | number)[]][] = [
  [
    'a memory hides the descriptor that had its name',
    [pipe('c'), memory('c'), flag('c'), close('c'), dup('c', 'd'), peek('c')],
    ['c', 0, 'EBADF', 'EBADF', 'EBADF', 'ffffffff'],
  ],
  [
    'a descriptor hides the memory that had its name, and an op on that ends the program',
    [memory('m'), pipe('m'), flag('m'), peek('m')],
    [0, 'm', 0],
  ],
  [
    'a saved output hides what had its name',
    [
      pipe('p'),
      memory('m'),
      {
        op: 'ioctl',
        fd: 'p',
        number: FIONREAD,
        argument: { memory: 'm', at: 0 },
        save: [{ name: 'p', at: 0, width: 4 }],
      },
      flag('p'),
    ],
    ['p', 0, '0; p=0; m[0]=00000000', 'EBADF'],
  ],
  [
    'an op that fails leaves a name to the descriptor that has it',
    [pipe('a'), dup('none', 'a'), flag('a'), noMore, dup('a', 'a'), pipe('a'), flag('a')],
    ['a', 'EBADF', 0, 0, 'EMFILE', 'EMFILE', 0],
  ],
  [
    'an op that fails leaves a name to the memory and to the saved output that have it',
    [
      pipe('p'),
      memory('m'),
      memory('m', { backing: 'fd', fd: 'none' }),
      {
        op: 'ioctl',
        fd: 'none',
        number: FIONREAD,
        argument: { memory: 'm', at: 0 },
        save: [{ name: 'm', at: 0, width: 4 }],
      },
      dup('none', 'm'),
      peek('m'),
    ],
    ['p', 0, 'EBADF', 'EBADF', 'EBADF', 'ffffffff'],
  ],
  [
    'names are copied by fork, and from then on belong to each process',
    [
      pipe('a'),
      { op: 'fork', as: 'a' },
      memory('a'),
      { ...flag('a'), actor: 'a' },
      flag('a'),
      { ...close('a'), actor: 'a' },
    ],
    ['a', 0, 0, 0, 'EBADF', 0],
  ],
  [
    'a process that is there keeps its name',
    [
      { op: 'fork', as: 'x' },
      { op: 'fork', as: 'x' },
    ],
    [0],
  ],
  [
    'a process that is gone gives it up',
    [
      { op: 'fork', as: 'x' },
      { op: 'exit', actor: 'x' },
      { op: 'fork', as: 'x' },
      { op: 'barrier', actor: 'x' },
    ],
    [0, 0, 0, 0],
  ],
  [
    'an ioctl that saves nothing has no `saved`',
    [pipe('p'), memory('m'), { op: 'ioctl', fd: 'p', number: FIOCLEX, argument: { memory: 'm', at: 0 }, save: [] }],
    ['p', 0, 0],
  ],
  [
    'an address that is saved is not shown, only what a call stored over it',
    [
      pipe('p'),
      memory('m'),
      {
        op: 'ioctl',
        fd: 'p',
        number: FIONBIO,
        argument: { memory: 'm', at: 0, bytes: '00'.repeat(12), relocations: [{ at: 4, width: 8, ref: 'm' }] },
        save: [
          { name: 's', at: 0, width: 8 },
          { name: 'm', at: 4, width: 8 },
        ],
      },
    ],
    ['p', 0, '0; s=0; m=0'],
  ],
  [
    'a part of a relocated field that the program overwrites is shown, and of two that overlap the later counts',
    [
      memory('m'),
      poke('m', 0, '11'.repeat(12), {
        relocations: [
          { at: 0, width: 8, ref: 'm' },
          { at: 4, width: 4, ref: 'none' },
        ],
      }),
      peek('m', 12),
      poke('m', 2, 'abcd'),
      peek('m', 12),
    ],
    [0, 0, '000000000000000011111111', 0, '0000abcd0000000011111111'],
  ],
  [
    'a part of a relocated field that a call overwrites is shown',
    [
      zeros('z'),
      memory('m'),
      poke('m', 0, '00'.repeat(4), { relocations: [{ at: 0, width: 4, ref: 'none' }] }),
      fill('z', 'm', 1, 2),
      peek('m'),
    ],
    ['z', 0, 0, '2; m[1]=0000', '00000000'],
  ],
  [
    'an untouched page is compared from the first store on, and begins with what it then holds',
    [
      zeros('z'),
      memory('m', { fill: 'untouched', backing: 'shared' }),
      { op: 'fork', as: 'x' },
      poke('m', 4, '05'),
      fill('z', 'm', 3, 3),
    ],
    ['z', 0, 0, 0, '3; m[4]=00; x m[4]=00'],
  ],
  [
    'what an ioctl stores in an untouched page, also behind its argument, is a change to every process that shares the page',
    [
      pipe('p'),
      memory('m', { fill: 'untouched', backing: 'memfd' }),
      { op: 'fork', as: 'x' },
      { op: 'ioctl', fd: 'p', number: FIONREAD, argument: { memory: 'm', at: 0, bytes: '07' }, actor: 'x' },
      memory('n', { fill: 'untouched', backing: 'shared' }),
      { op: 'fork', as: 'y' },
      { op: 'ioctl', fd: 'p', number: FIGETBSZ, argument: { memory: 'n', at: 0, bytes: '07' }, actor: 'y' },
    ],
    ['p', 0, 0, '0; m[0]=00; main m[0]=00', 0, 0, '0; n[0]=0010; main n[0]=0010'],
  ],
  [
    "changes of the actor's memory come first, those of others in the order of forks",
    [
      zeros('z'),
      memory('m', { backing: 'shared' }),
      { op: 'fork', as: 'b' },
      { op: 'fork', as: 'a', actor: 'b' },
      { ...fill('z', 'm', 0, 1), actor: 'a' },
    ],
    ['z', 0, 0, 0, '1; m[0]=00; main m[0]=00; b m[0]=00'],
  ],
  [
    'nothing of a length is done nowhere',
    [
      memory('m'),
      { op: 'protect', memory: 'm', at: 2 * PAGE, length: 0, protection: 'none' },
      { op: 'discard', memory: 'm', at: 2 * PAGE, length: 0 },
      { op: 'unmap', memory: 'm', at: 0, length: 0 },
      peek('m', 0, PAGE),
      peek('m', 0, PAGE + 1),
    ],
    [0, 0, 0, 'EINVAL', '', 'EFAULT'],
  ],
];

/** Each outcome in short. */
function inShort({ outcomes }: Pick<ProgramResult, 'outcomes'>): (string | number)[] {
  return outcomes.map(({ errno, fd, value, bytes, saved = {}, changed = [], ...rest }) => {
    expect(rest).toEqual({});
    const result = errno ?? fd ?? bytes ?? (value as number);
    const more = [
      ...Object.entries(saved).map(([name, one]) => `${name}=${one}`),
      ...changed.map(({ process, memory, at, bytes }) => `${process ? `${process} ` : ''}${memory}[${at}]=${bytes}`),
    ];
    return more.length > 0 ? [result, ...more].join('; ') : result;
  });
}

const end = (ops: Op[], expected: unknown[]) => (expected.length === ops.length ? 'completed' : 'unsupported');

describe('the model', () => {
  const data = loadContract();
  const contract = compileContract(data, parameterSetting(data, 'v1-singleton'));
  const environment = modelEnvironment({ machine: {}, slots: [] });

  test.each(programs)('%s', (_, ops, expected) => {
    const result = runOnModel(contract, environment, { id: 'x', topology: { slots: {} }, ops });
    const given = inShort(result);
    expect(given).toEqual(expected.slice(0, given.length));
    if (given.length < expected.length) expect(result.detail).toContain('the contract does not say what happens');
  });
});

test.each(programs)('the simulator: %s', async (_, ops, expected) => {
  const session = await simulatorAdapter().start({ machine: {}, slots: [] });
  const result = await session.run({ id: 'x', topology: { slots: {} }, ops }, {});
  expect([inShort(result), result.end]).toEqual([expected, end(ops, expected)]);
});

test('of two faults in the same call the first counts, on the simulator and by the contract', async () => {
  const data = loadContract();
  const contract = compileContract(data, parameterSetting(data, 'v1-singleton'));
  let count = 0;
  for (const need of faults.needs()) {
    const session = await simulatorAdapter(contract.parameters).start(need);
    const { environment } = session.description;
    for (const program of programsOf(faults, contract, environment)) {
      const at = program.ops.findIndex((op) => op.op === 'inject' && op.fault === 'driver');
      if (at < 0 || !program.id.endsWith('driver_1')) continue;
      const inject = (errno: string): Op => ({ op: 'inject', fault: 'driver', nth: 1, errno });
      const ops = [...program.ops.slice(0, at), inject('ENXIO'), inject('ENOSPC'), ...program.ops.slice(at + 1)];
      const { outcomes } = await session.run({ ...program, ops }, assignSlots(program.topology.slots, environment)!);
      expect(judge(contract, environment, { program: { ...program, ops }, outcomes }).kind).toBe('conforms');
      if (outcomes[at + 2]!.errno === 'ENXIO') count++;
      expect(outcomes[at + 2]!.errno).not.toBe('ENOSPC');
    }
  }
  expect(count).toBeGreaterThan(0);
});

describe.each(builtDaemons())('$name', ({ binary, missing }) => {
  let daemon: TestDaemon;
  beforeAll(() => {
    if (missing === undefined) daemon = new TestDaemon(binary, '--timeout', '60');
  });
  afterAll(async () => missing ?? expect(await daemon.stop()).toBe(0));

  test.each(programs)('%s', async (_, ops, expected) => {
    if (missing !== undefined) return;
    const result = await daemon.run(...ops);
    expect([inShort(result), result.end]).toEqual([expected, end(ops, expected)]);
  });
});
