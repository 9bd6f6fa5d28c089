import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../spec/uapi/limits.ts';
import { partOf } from '../../spec/uapi/test-part.ts';
import type { ErrorAnswer, Op } from '../../spec/uapi/vocabulary.ts';
import { builtDaemons, TestDaemon } from './test-daemon.ts';

const times = <T>(count: number, one: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
const letters = (count: number) => 'a'.repeat(count);
const map = (as: string, length: number, fill: 'ff' | 'untouched' = 'untouched'): Op => ({
  op: 'mmap',
  as,
  length,
  fill,
});
const poke = { op: 'poke', memory: 'm', at: 0, bytes: '' };

interface Request {
  id?: string;
  about?: string;
  slots?: object;
  changes?: object[];
  ops?: object[];
  given?: object;
}

// Of both builds the one without sanitizers takes a third of the time.
describe.each(partOf(builtDaemons(), 2))('$name', ({ binary, missing }) => {
  let daemon: TestDaemon;
  beforeEach(() => {
    if (!missing) daemon = new TestDaemon(binary);
  });
  afterEach(async () => {
    if (!missing) expect(await daemon.stop()).toBe(0);
  });

  const ask = ({ id = 'a', about = '', slots = {}, changes = [], ops = [], given = {} }: Request) =>
    daemon.ask({ type: 'run', id: 7, slots: given, program: { id, about, topology: { slots }, changes, ops } });

  describe.skipIf(missing)('takes a program at a limit, and refuses one beyond it', () => {
    it.each<[what: string, most: number, make: (size: number) => Request, message: string]>([
      [
        'ops',
        10_000,
        (n) => ({ ops: times(n, () => ({ op: 'seek', fd: 'f', offset: 0 })) }),
        'ops must have at most 10000 elements',
      ],
      [
        'bytes',
        1 << 20,
        (n) => ({ ops: [map('m', 1 << 20), { ...poke, bytes: '00'.repeat(n) }] }),
        'ops[1].bytes must have at most 2097152 characters',
      ],
      [
        'relocations',
        1024,
        (n) => ({
          ops: [
            map('m', 4096),
            { ...poke, bytes: '00'.repeat(8), relocations: times(n, () => ({ at: 0, width: 4, ref: 'm' })) },
          ],
        }),
        'ops[1].relocations must have at most 1024 elements',
      ],
      [
        'saved outputs',
        1024,
        (n) => ({
          ops: [
            {
              op: 'ioctl',
              fd: 'f',
              number: 1,
              argument: { value: 0 },
              save: times(n, () => ({ name: 's', at: 0, width: 4 })),
            },
          ],
        }),
        'ops[0].save must have at most 1024 elements',
      ],
      [
        'what is peeked at',
        1 << 20,
        (n) => ({ ops: [map('m', 1 << 20), { op: 'peek', memory: 'm', at: 0, length: n }] }),
        'ops[1].length must be at most 1048576',
      ],
      ['a memory', limits.memory, (n) => ({ ops: [map('m', n)] }), 'ops[0].length must be at most 67108864'],
      [
        'a transfer',
        1 << 26,
        (n) => ({ ops: [map('m', 4096), { op: 'pread', fd: 'f', offset: 0, memory: 'm', at: 0, length: n }] }),
        'ops[1].length must be at most 67108864',
      ],
      [
        'a name',
        64,
        (n) => ({ ops: [{ op: 'open', what: 'event', as: letters(n) }] }),
        'ops[0].as must have at most 64 characters',
      ],
      [
        'the name of a process',
        64,
        (n) => ({ ops: [{ op: 'fork', as: letters(n) }] }),
        'ops[0].as must have at most 64 characters',
      ],
      [
        'a module',
        64,
        (n) => ({ changes: [{ module: letters(n), parameter: 'p' }] }),
        'module must have at most 64 characters',
      ],
      ['an id', 1024, (n) => ({ id: letters(n) }), 'id must have at most 1024 characters'],
      ['about', 1024, (n) => ({ about: letters(n) }), 'about must have at most 1024 characters'],
      [
        'changes',
        64,
        (n) => ({ changes: times(n, () => ({ module: 'm', parameter: 'p' })) }),
        'changes must have at most 64 elements',
      ],
      [
        'a path',
        4096,
        (n) => ({ ops: [{ op: 'open', what: 'path', as: 'f', path: '/'.repeat(n) }] }),
        'ops[0].path must have at most 4096 characters',
      ],
      [
        'slots that are given',
        64,
        (n) => ({ given: Object.fromEntries(times(n, (i) => [`s${i}`, 's'])) }),
        'slots must have at most 64 members',
      ],
    ])('%s', async (_, most, make, message) => {
      expect(await ask(make(most))).toMatchObject({ type: 'result', id: 7, end: 'completed' });
      expect(await ask(make(most + 1))).toEqual({ type: 'error', id: 7, message });
    });

    it('slots, of which it has none', async () => {
      const slots = (n: number) => Object.fromEntries(times(n, (i) => [`s${i}`, { devices: 1, viable: true }]));
      expect(await ask({ slots: slots(64) })).toMatchObject({ end: 'unsupported' });
      expect(await ask({ slots: slots(65) })).toMatchObject({
        message: 'topology.slots must have at most 64 elements',
      });
      expect(await ask({ slots: { [letters(65)]: {} } })).toMatchObject({
        message: 'topology.slots must have names of at most 64 characters',
      });
    });

    it('memory of all processes', async () => {
      const half = limits.memory / 2;
      expect(await ask({ ops: [map('a', half), { op: 'fork', as: 'p' }] })).toMatchObject({ end: 'completed' });
      expect(await ask({ ops: [map('a', half), { op: 'fork', as: 'p' }, { ...map('b', 4096), actor: 'p' }] })).toEqual({
        ...{ type: 'error', id: 7, message: 'ops[2] takes the memory of all processes beyond 67108864 bytes' },
      });
    });

    it('memories', async () => {
      const maps = (n: number) => times(n, () => map('m', 4096));
      expect(await ask({ ops: maps(limits.memories) })).toMatchObject({ end: 'completed' });
      expect(((await ask({ ops: maps(limits.memories + 1) })) as ErrorAnswer).message).toBe(
        'ops[1024] is one memory more than the 1024 that a program may have',
      );
    });

    it('processes, each the child of the one before', async () => {
      const forks = (n: number) => times(n, (i) => ({ op: 'fork', as: `p${i + 1}`, ...(i > 0 && { actor: `p${i}` }) }));
      expect(await ask({ ops: forks(limits.processes - 1) })).toMatchObject({ end: 'completed' });
      expect(((await ask({ ops: forks(limits.processes) })) as ErrorAnswer).message).toBe(
        'ops[63] is one process more than the 64 that a program may have',
      );
    });

    it('a line', async () => {
      const stop = '{"type":"walk"}';
      daemon.send(stop.padEnd(limits.line, ' '));
      expect(await daemon.next()).toEqual({ type: 'error', message: 'the type must be describe, run or stop' });
      for (const length of [limits.line + 1, 3 * limits.line]) {
        daemon.send(stop.padEnd(length, ' '));
        const message = 'a line has more than the 67108864 bytes that a message may have';
        expect(await daemon.next()).toEqual({ type: 'error', message });
      }
      expect(await ask({})).toMatchObject({ end: 'completed' });
    });

    it('values of a message', async () => {
      daemon.send(`[${'0,'.repeat((1 << 21) - 2)}0]`);
      expect(await daemon.next()).toEqual({ type: 'error', message: 'a message is an object with a type' });
      daemon.send(`[${'0,'.repeat((1 << 21) - 1)}0]`);
      expect(await daemon.next()).toMatchObject({ message: expect.stringContaining('more than 2097152 values') });
    });

    it('what an outcome may tell of', async () => {
      const zeros = (length: number): Op[] => [
        map('m', 2 << 20, 'ff'),
        { op: 'open', what: 'path', path: '/dev/zero', as: 'f' },
        { op: 'pread', fd: 'f', offset: 0, memory: 'm', at: 0, length },
      ];
      const read = await ask({ ops: zeros(1 << 20) });
      expect(read).toMatchObject({ end: 'completed', outcomes: [{}, {}, { value: 1 << 20 }] });
      expect(await ask({ ops: zeros((1 << 20) + 1) })).toMatchObject({
        end: 'unsupported',
        detail: 'op 2 (pread): more memory changed than an outcome may tell of',
      });
    });
  });
});
