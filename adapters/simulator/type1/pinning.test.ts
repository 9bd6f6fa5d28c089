import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  map,
  mmap,
  openDevice,
  opened,
  PAGE,
  READ,
  ready,
  resultsOf,
  setContainer,
  setIommu,
  unmap,
  unmapAll,
  unsetContainer,
  WRITE,
} from '../test-programs.ts';

const protect = (page: number, protection: 'none' | 'read' | 'write' | 'read-write'): Op => ({
  op: 'protect',
  memory: 'm',
  at: page * PAGE,
  length: PAGE,
  protection,
});
const withoutPrivilege: Op = { op: 'drop_capability', capability: 'ipc_lock' };
const limit = (pages: number, more = 0): Op => ({ op: 'rlimit', resource: 'memlock', value: pages * PAGE + more });
const four = { size: 4 * PAGE };

describe('memory that cannot be pinned', () => {
  it.each([0, 0x1000, 2n ** 47n, 2n ** 63n, 0xffff_8000_0000_0000n])(
    'gives EFAULT for the address %s',
    async (vaddr) => {
      expect(await resultsOf(ready(), [map({ vaddr })])).toEqual(['EFAULT']);
    },
  );

  it.each([
    ['none', READ, 'EFAULT'],
    ['none', WRITE, 'EFAULT'],
    ['read', READ, 0],
    ['read', WRITE, 'EFAULT'],
    ['read', READ | WRITE, 'EFAULT'],
    ['write', READ, 'EFAULT'],
    ['write', WRITE, 0],
    ['write', READ | WRITE, 0],
  ] as const)('is decided by protection %s and flags %i: %s', async (protection, flags, answer) => {
    expect(await resultsOf([...ready(), protect(0, protection)], [map({ flags })])).toEqual([answer]);
  });

  it('in the middle undoes the pages before it', async () => {
    const setup: Op[] = [...ready(), withoutPrivilege, limit(4)];
    const ops = [protect(3, 'none'), map(four), protect(3, 'read-write'), map(four)];
    expect(await resultsOf(setup, ops)).toEqual([0, 'EFAULT', 0, 0]);
  });

  it('is what has been unmapped, and what lies behind the end', async () => {
    const ops: Op[] = [{ op: 'unmap', memory: 'm', at: PAGE, length: PAGE }, map({ size: 2 * PAGE }), map()];
    expect(await resultsOf(ready(), ops)).toEqual([0, 'EFAULT', 0]);
    expect(await resultsOf(ready(), [map({ memoryAt: 3 * PAGE, size: 2 * PAGE })])).toEqual(['EFAULT']);
  });

  it.each(['shared', 'memfd', 'file'])('is not memory with the backing %s', async (backing) => {
    const setup = [...ready(), mmap('x', 1, { backing }), mmap('y', 1, { backing, fill: 'untouched' })];
    expect(await resultsOf(setup, [map({ memory: 'x' }), map({ memory: 'y', iova: 0, flags: READ })])).toEqual([0, 0]);
  });
});

describe('the limit of locked memory', () => {
  it('may be reached and not passed', async () => {
    const setup: Op[] = [...ready(), withoutPrivilege, limit(3, PAGE - 1)];
    expect(await resultsOf(setup, [map(four), map({ size: 3 * PAGE }), map({ iova: 0 })])).toEqual([
      'ENOMEM',
      0,
      'ENOMEM',
    ]);
  });

  it('does not hold for the privileged, whose pages count all the same', async () => {
    const ops: Op[] = [limit(1), map(four), withoutPrivilege, limit(4), map({ iova: 0 })];
    expect(await resultsOf(ready(), ops)).toEqual([0, 0, 0, 0, 'ENOMEM']);
  });

  it('counts a page once for each mapping', async () => {
    const setup: Op[] = [...ready(), withoutPrivilege, limit(2)];
    const ops = [map(), map({ iova: 0 }), map({ iova: 0x20_0000 })];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, 'ENOMEM']);
  });

  it('is read when the call is made', async () => {
    const ops = [limit(0), map(), limit(1), map()];
    expect(await resultsOf([...ready(), withoutPrivilege, limit(9)], ops)).toEqual([0, 'ENOMEM', 0, 0]);
  });

  it('cannot be raised without the privilege to do so', async () => {
    const drop: Op = { op: 'drop_capability', capability: 'sys_resource' };
    expect(await resultsOf([], [limit(4), drop, limit(5), limit(3), limit(4)])).toEqual([0, 0, 'EPERM', 0, 'EPERM']);
  });

  it('gets back what is unmapped, undone, or lost with the group', async () => {
    const setup: Op[] = [...ready(), withoutPrivilege, limit(4)];
    const ops = [map(four), unmap(four), map(four), unmapAll(), map({ ...four, memoryAt: PAGE }), map(four)];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, 0, 0, 'EFAULT', 0]);
    const leaving = [map(four), unsetContainer(), setContainer(), setIommu(), map(four)];
    expect(await resultsOf(setup, leaving)).toEqual([0, 0, 0, 0, 0]);
  });

  it('and memory that is not there decide in the order of pages', async () => {
    const setup: Op[] = [...ready(), withoutPrivilege, limit(2)];
    expect(await resultsOf([...setup, protect(1, 'none')], [map(four)])).toEqual(['EFAULT']);
    expect(await resultsOf([...setup, protect(2, 'none')], [map(four)])).toEqual(['EFAULT']);
    expect(await resultsOf([...setup, protect(3, 'none')], [map(four)])).toEqual(['ENOMEM']);
  });

  it('counts each process for itself', async () => {
    const child = { actor: 'child' };
    const setup: Op[] = [...ready(), withoutPrivilege, limit(1), map(), { op: 'fork', as: 'child' }];
    expect(await resultsOf(setup, [map({ iova: 0 }), map({ iova: 0 }, child), map({ iova: 0 }, child)])).toEqual([
      'ENOMEM',
      0,
      'EEXIST',
    ]);
  });

  it('does not count the registers of a device', async () => {
    const setup: Op[] = [
      ...ready(),
      openDevice(),
      { op: 'mmap', as: 'bar', length: PAGE, backing: 'fd', fd: 'd' },
      withoutPrivilege,
      limit(0),
    ];
    const ops = [map({ memory: 'bar' }), map({ iova: 0 }), unmapAll()];
    expect(await resultsOf(setup, ops)).toEqual([0, 'ENOMEM', 0]);
  });
});

describe('a READ-only mapping of private memory that nobody touched', () => {
  const setup: Op[] = [...ready(), mmap('fresh', 2, { fill: 'untouched' }), withoutPrivilege, limit(0)];
  const fresh = { memory: 'fresh', flags: READ };

  it('is charged', async () => {
    expect(await resultsOf(setup, [map(fresh)])).toEqual(['ENOMEM']);
  });

  it('is free with untouched_read_map=zero_page, unless the page was stored to, or the device may write', async () => {
    const stage = { parameters: { untouched_read_map: 'zero_page' } };
    const ops: Op[] = [
      map({ ...fresh, flags: READ | WRITE, memoryAt: PAGE }),
      map(fresh),
      unmapAll(),
      { op: 'peek', memory: 'fresh', at: 0, length: 1 },
      map(fresh),
      unmapAll(),
      { op: 'poke', memory: 'fresh', at: 0, bytes: '00' },
      map(fresh),
      { op: 'discard', memory: 'fresh', at: 0, length: PAGE },
      map(fresh),
    ];
    expect(await resultsOf(setup, ops, stage)).toEqual(['ENOMEM', 0, 0, 0, 0, 0, 0, 'ENOMEM', 0, 0]);
  });

  it('is charged with untouched_read_map=zero_page when the memory is shared', async () => {
    const stage = { parameters: { untouched_read_map: 'zero_page' } };
    const shared = mmap('s', 1, { fill: 'untouched', backing: 'shared' });
    expect(await resultsOf([...setup, shared], [map({ memory: 's', flags: READ })], stage)).toEqual(['ENOMEM']);
  });
});

describe('the limit of descriptors', () => {
  it('holds for every way to get one, and comes before what is wrong with the file', async () => {
    const ops: Op[] = [
      { op: 'rlimit', resource: 'nofile', value: 5 },
      { op: 'dup', fd: 'c', as: 'x' },
      { op: 'open', what: 'group', slot: 'g0', as: 'x' },
      { op: 'open', what: 'path', path: '/nothing', as: 'x' },
      { op: 'rlimit', resource: 'nofile', value: 6 },
      { op: 'open', what: 'path', path: '/nothing', as: 'x' },
      { op: 'open', what: 'group', slot: 'g0', as: 'x' },
      { op: 'open', what: 'path', path: '/', as: 'x' },
      { op: 'dup', fd: 'c', as: 'x' },
      { op: 'rlimit', resource: 'nofile', value: '0x100001' },
    ];
    expect(await resultsOf(opened(), ops)).toEqual([
      0,
      'EMFILE',
      'EMFILE',
      'EMFILE',
      0,
      'ENOENT',
      'EBUSY',
      'EISDIR',
      'x',
      'EPERM',
    ]);
  });
});
