// The addon and its helper, without any group: what a program may not do, and what becomes of a helper that dies.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Loss } from '../../../spec/uapi/adapter.ts';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { RemoteSession } from '../../remote/session.ts';
import { loadAddon } from './addon.ts';
import { helperLink } from './helper-link.ts';

const sessions: RemoteSession[] = [];
const losses: Loss[] = [];

afterEach(async () => {
  losses.length = 0;
  await Promise.all(sessions.splice(0).map((session) => session.stop()));
});

async function started(words: string[] = [], stallMs = 20_000): Promise<RemoteSession> {
  const session = await RemoteSession.start({
    place: 'dev',
    subject: 'The helper',
    remedy: 'build it again',
    launch: async () => helperLink(loadAddon(), words),
    window: 2,
    handshakeMs: 20_000,
    stallMs,
    onLoss: (loss) => losses.push(loss),
  });
  sessions.push(session);
  return session;
}

const run = (session: RemoteSession, ...ops: Op[]) => session.run({ id: 'p', topology: { slots: {} }, ops }, {});

const memory: Op = { op: 'mmap', as: 'm', length: 4096 };
const openNull: Op = { op: 'open', what: 'path', path: '/dev/null', as: 'n' };

describe('programs through shared memory', () => {
  it('give the outcomes of this kernel, large ones too', async () => {
    const session = await started();
    const peek: Op = { op: 'peek', memory: 'big', at: 0, length: 1 << 20 };
    const { end, outcomes } = await run(session, { op: 'mmap', as: 'big', length: 1 << 20 }, openNull, peek, peek, {
      op: 'ioctl',
      fd: 'n',
      number: 0x3b64,
      argument: { value: 0 },
    });
    expect(end).toBe('completed');
    expect(outcomes.at(-1)).toEqual({ errno: 'ENOTTY' });
    expect(outcomes[2]).toMatchObject({ bytes: 'ff'.repeat(1 << 20) });
    // A small one after a large one.
    expect(await run(session, openNull)).toMatchObject({ end: 'completed', outcomes: [{ fd: 'n' }] });
  });

  it('are not reached by the programs themselves', async () => {
    const session = await started();
    const { outcomes } = await run(
      session,
      memory,
      { op: 'open', what: 'path', path: '/proc/self/maps', access: 'read', as: 'maps' },
      ...Array.from(
        { length: 4 },
        (): Op => ({ op: 'pread', fd: 'maps', memory: 'm', at: 0, length: 4096, offset: 0 }),
      ),
      { op: 'peek', memory: 'm', at: 0, length: 4096 },
    );
    const { bytes } = outcomes.at(-1) as { bytes: string };
    expect(Buffer.from(bytes, 'hex').toString()).not.toContain('memfd:vfio-conform');
  });
});

describe('a helper that goes', () => {
  it('fails the program that it dies of, alone, and is started again', async () => {
    const session = await started();
    // The process of the program is a child of the helper, which has that number on its first line of status.
    const kill = (): void => {
      const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
      for (const pid of children)
        if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--exchange')) process.kill(pid, 'SIGKILL');
    };
    const slow: Op[] = [
      { op: 'open', what: 'event', as: 'e' },
      ...Array.from({ length: 20 }, (): Op => ({ op: 'read_event', fd: 'e' })),
    ];
    const first = run(session, ...slow);
    const timer = setInterval(kill, 500);
    const result = await first;
    clearInterval(timer);
    expect(result.end).toBe('crashed');
    expect(result.detail).toContain('it was killed by SIGKILL');
    expect(losses.map(({ end }) => end)).toEqual(['crashed', 'crashed']);
    expect(await run(session, openNull)).toMatchObject({ end: 'completed' });
  });

  it('counts as hung when it says nothing', async () => {
    const session = await started([], 300);
    const slow: Op[] = [
      { op: 'open', what: 'event', as: 'e' },
      ...Array.from({ length: 30 }, (): Op => ({ op: 'read_event', fd: 'e' })),
    ];
    expect((await run(session, ...slow)).end).toBe('hung');
    expect(await run(session, openNull)).toMatchObject({ end: 'completed' });
  });
});

describe('what is forbidden', () => {
  const device = (op: object): Op[] => [
    memory,
    { op: 'open', what: 'path', path: '/dev/null', as: 'g' },
    { op: 'ioctl', fd: 'g', number: 0x3b6a, argument: { value: 0 }, as: 'd' },
    { op: 'dup', fd: 'd', as: 'e' },
    op as Op,
  ];
  it.each([
    ['config-writes', { op: 'pwrite', fd: 'e', memory: 'm', at: 0, length: 2, offset: '0x70000000004' }],
    ['config-writes', { op: 'ioctl', fd: 'e', number: 0x3b6e, argument: { value: 0 } }],
    ['bar-access', { op: 'pread', fd: 'e', memory: 'm', at: 0, length: 4, offset: 0 }],
    ['bar-access', { op: 'pwrite', fd: 'd', memory: 'm', at: 0, length: 4, offset: '0x50000000000' }],
    ['bar-access', { op: 'mmap', as: 'b', backing: 'fd', fd: 'd', length: 4096, offset: 0 }],
    ['bar-access', { op: 'dma', device: 'd', direction: 'from-memory', iova: 0, at: 0, length: 4 }],
    ['bar-access', { op: 'ioctl', fd: 'd', number: 0x3b74, argument: { value: 0 } }],
    ['reset', { op: 'ioctl', fd: 'd', number: 0x3b6f, argument: { value: 0 } }],
    ['reset', { op: 'ioctl', fd: 'd', number: '0x100003b71', argument: { value: 0 } }],
    ['reset', { op: 'ioctl', fd: 'd', number: 0x3b75, argument: { value: 0 } }],
  ])('%s: no op of the program is performed', async (what, op) => {
    const forbidding = await started(['--forbid', what]);
    const refused = await run(forbidding, ...device(op));
    expect(refused).toMatchObject({
      end: 'unsupported',
      outcomes: [],
      detail: expect.stringContaining(`--allow-${what}`),
    });
  });

  it('leaves config space readable, and ioctls of containers with the same numbers', async () => {
    const session = await started(['config-writes', 'bar-access', 'reset'].flatMap((what) => ['--forbid', what]));
    const fine = await run(
      session,
      ...device({ op: 'pread', fd: 'd', memory: 'm', at: 0, length: 4, offset: '0x70000000000' }),
    );
    expect(fine.end).toBe('completed');
    for (const number of [0x3b71, 0x3b74, 0x3b75])
      expect(await run(session, openNull, { op: 'ioctl', fd: 'n', number, argument: { value: 0 } })).toMatchObject({
        end: 'completed',
      });
  });

  it('allows no file by its path but those that no device is behind', async () => {
    const session = await started(['--forbid', 'reset']);
    const path = '/sys/bus/pci/devices/0000:00:00.0/config';
    expect(await run(session, { op: 'open', what: 'path', path, as: 'c' })).toMatchObject({
      end: 'unsupported',
      outcomes: [],
    });
    expect(await run(session, openNull)).toMatchObject({ end: 'completed' });
  });
});
