import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { call, close, ioctl, openDevice, resultsOf, withDevice } from '../test-programs.ts';

const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIONBIO = 0x5421;
const TERMINAL_QUERY = 0x5401;

const open = (what: 'pipe' | 'event', as: string): Op => ({ op: 'open', what, as });
const path = (name: string, as: string): Op => ({ op: 'open', what: 'path', path: name, as });
const seek = (fd: string, offset: number | string = 16): Op => ({ op: 'seek', fd, offset });
const closesOnExec = (fd: string): Op => ({ op: 'close_on_exec', fd });
const transfers = (fd: string): Op[] => [
  { op: 'pread', fd, offset: 0, memory: 'args', at: 0, length: 4 },
  { op: 'pwrite', fd, offset: 0, memory: 'args', at: 0, length: 4 },
];
const setup: Op[] = [...withDevice(), open('pipe', 'p'), open('event', 'e'), path('/dev/null', 'n')];

describe('seeking', () => {
  it('is refused where there is no position', async () => {
    const ops = [seek('c'), seek('g0'), seek('d'), seek('p'), seek('c', '0xffffffffffffffff')];
    expect(await resultsOf(setup, ops)).toEqual(Array(5).fill('ESPIPE'));
  });

  it('goes nowhere in a counter and in /dev/null', async () => {
    expect(await resultsOf(setup, [seek('e'), seek('n')])).toEqual([0, 0]);
  });

  it('needs an open file', async () => {
    const place: Op = { op: 'open', what: 'container', access: 'path', as: 'x' };
    expect(await resultsOf(setup, [place, seek('x'), close('e'), seek('e')])).toEqual(['x', 'EBADF', 0, 'EBADF']);
  });
});

describe('reading and writing at a position', () => {
  it('is nothing for containers, groups, pipes and counters', async () => {
    expect(await resultsOf(setup, ['c', 'g0'].flatMap(transfers))).toEqual(Array(4).fill('EINVAL'));
    expect(await resultsOf(setup, ['p', 'e'].flatMap(transfers))).toEqual(Array(4).fill('ESPIPE'));
  });
});

describe('the flag close-on-exec', () => {
  it('is set for devices alone', async () => {
    expect(await resultsOf(setup, ['c', 'g0', 'd', 'p', 'e', 'n'].map(closesOnExec))).toEqual([0, 0, 1, 0, 0, 0]);
  });

  it('belongs to the descriptor, and is changed by two requests that every file has', async () => {
    const ops: Op[] = [
      { op: 'dup', fd: 'd', as: 'copy' },
      closesOnExec('copy'),
      ioctl('copy', FIOCLEX),
      ioctl('d', FIONCLEX),
      closesOnExec('copy'),
      closesOnExec('d'),
    ];
    expect(await resultsOf(setup, ops)).toEqual(['copy', 0, 0, 0, 1, 0]);
  });

  it('goes with the descriptor, and to a process that is forked off', async () => {
    const ops: Op[] = [
      { op: 'fork', as: 'child' },
      { ...closesOnExec('d'), actor: 'child' },
      close('d'),
      closesOnExec('d'),
      path('/dev/null', 'next'),
      closesOnExec('next'),
    ];
    expect(await resultsOf(setup, ops)).toEqual([0, 1, 0, 'EBADF', 'next', 0]);
  });

  it('can be asked for where the file cannot be used', async () => {
    const place: Op = { op: 'open', what: 'container', access: 'path', as: 'x' };
    expect(await resultsOf(setup, [place, closesOnExec('x'), ioctl('x', FIOCLEX)])).toEqual(['x', 0, 'EBADF']);
  });
});

describe('requests that every file has', () => {
  it.each(['c', 'g0', 'd', 'p', 'e'])('are performed on %s', async (fd) => {
    const ops = [ioctl(fd, FIOCLEX), ioctl(fd, FIONCLEX), call(fd, FIONBIO, '01000000'), ioctl(fd, FIONBIO)];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, 0, 'EFAULT']);
  });

  it('do not include those of terminals', async () => {
    const ops = ['c', 'g0', 'd', 'p', 'e'].map((fd) => ioctl(fd, TERMINAL_QUERY));
    expect(await resultsOf(setup, ops)).toEqual(Array(5).fill('ENOTTY'));
    expect(await resultsOf([], [{ op: 'open', what: 'container', as: 'c' }, ioctl('c', TERMINAL_QUERY)])).toEqual([
      'c',
      'EINVAL',
    ]);
  });
});

describe('a pipe', () => {
  it('needs two descriptors to be made and takes one', async () => {
    const limit = (value: number): Op => ({ op: 'rlimit', resource: 'nofile', value });
    const ops = [limit(4), open('pipe', 'p'), limit(5), open('pipe', 'p'), path('/dev/null', 'n'), open('event', 'e')];
    expect(await resultsOf([], ops)).toEqual([0, 'EMFILE', 0, 'p', 'n', 'EMFILE']);
  });

  it('has no memory to be mapped, nor has a counter', async () => {
    const mmap = (fd: string): Op => ({ op: 'mmap', as: 'x', length: 4096, backing: 'fd', fd, protection: 'read' });
    expect(await resultsOf(setup, ['p', 'e', 'c', 'g0'].map(mmap))).toEqual(Array(4).fill('ENODEV'));
  });
});

describe('reading an event', () => {
  const read = (fd: string): Op => ({ op: 'read_event', fd });

  it('needs a counter', async () => {
    expect(await resultsOf(setup, [read('c'), read('g0'), close('e'), read('e')])).toEqual([
      'EINVAL',
      'EINVAL',
      0,
      'EBADF',
    ]);
  });

  it('finds nothing in a pipe that nobody writes to, nor in /dev/null', async () => {
    const written: Op = { op: 'open', what: 'path', path: '/dev/null', access: 'write', as: 'w' };
    expect(await resultsOf(setup, [read('p'), read('n'), written, read('w')])).toEqual([0, 0, 'w', 'EBADF']);
  });
});

describe('a device opened by a name', () => {
  const spelled = (spelling: string): Op => openDevice('x', 'g0', { spelling });

  it.each(['{name}', '{name} ', `{name}${' '.repeat(4095 - 12)}`])('works as %j', async (spelling) => {
    expect(await resultsOf(setup, [spelled(spelling)])).toEqual(['x']);
  });

  it.each(['', '{cut}', '{name}x', ' {name}', 'x'.repeat(4095), '{name}\t'])(
    'gives ENODEV for %j',
    async (spelling) => {
      expect(await resultsOf(setup, [spelled(spelling)])).toEqual(['ENODEV']);
    },
  );

  it.each([
    '{name} x',
    '{name} vf_token=1',
    '{name} vf_token=12345678-1234-1234-1234-123456789abc',
    'x'.repeat(4096),
    `{name}${' '.repeat(4096 - 12)}`,
  ])('gives EINVAL for %j', async (spelling) => {
    expect(await resultsOf(setup, [spelled(spelling)])).toEqual(['EINVAL']);
  });
});
