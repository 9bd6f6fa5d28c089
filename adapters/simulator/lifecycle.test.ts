import { describe, expect, it } from 'vitest';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import {
  attached,
  close,
  map,
  openContainer,
  openDevice,
  openGroup,
  PAGE,
  ready,
  resultsOf,
  run,
  setContainer,
  setIommu,
  unmap,
  unsetContainer,
} from './test-programs.ts';

const tight: Op[] = [
  { op: 'drop_capability', capability: 'ipc_lock' },
  { op: 'rlimit', resource: 'memlock', value: PAGE },
];

describe('closing', () => {
  it('the container leaves the group attached, and its devices can still be opened', async () => {
    const ops = [map(), close('c'), unmap(), openContainer('c2'), setContainer('g0', 'c2'), openDevice()];
    expect(await resultsOf(ready(), ops)).toEqual([0, 0, 'EBADF', 'c2', 'EINVAL', 'd']);
  });

  it('the container before a backend is chosen leaves the group attached to nothing that can be reached', async () => {
    const ops = [close('c'), openDevice(), unsetContainer(), openContainer('c'), setContainer(), setIommu()];
    expect(await resultsOf(attached(), ops)).toEqual([0, 'EINVAL', 0, 'c', 0, 0]);
  });

  it('the group without a device detaches it, with the mappings and their charge', async () => {
    const ops = [map(), close('g0'), unmap(), setIommu(1), openGroup(), setContainer(), setIommu(1), map()];
    expect(await resultsOf([...ready(), ...tight], ops)).toEqual([0, 0, 'EINVAL', 'EINVAL', 'g0', 0, 0, 0]);
  });

  it('the group with an open device leaves everything as it is until that is closed', async () => {
    const ops = [
      map(),
      close('g0'),
      openGroup('g0', 'again'),
      map(),
      close('d'),
      unmap(),
      openGroup('g0', 'again'),
      setContainer('again'),
      setIommu(),
      map(),
    ];
    const expected = [0, 0, 'EBUSY', 'EEXIST', 0, 'EINVAL', 'again', 0, 0, 0];
    expect(await resultsOf([...ready(), ...tight, openDevice()], ops)).toEqual(expected);
  });

  it('everything in any order gives the charge back', async () => {
    for (const order of [
      ['c', 'g0', 'd'],
      ['c', 'd', 'g0'],
      ['g0', 'c', 'd'],
      ['g0', 'd', 'c'],
      ['d', 'c', 'g0'],
      ['d', 'g0', 'c'],
    ]) {
      const ops = [
        map(),
        ...order.map((fd) => close(fd)),
        openContainer(),
        openGroup(),
        setContainer(),
        setIommu(),
        map(),
      ];
      expect(await resultsOf([...ready(), ...tight, openDevice()], ops)).toEqual([0, 0, 0, 0, 'c', 'g0', 0, 0, 0]);
    }
  });

  it('one of two files of a device leaves it open', async () => {
    const ops = [close('d'), unsetContainer(), close('e'), unsetContainer()];
    expect(await resultsOf([...ready(), openDevice('d'), openDevice('e')], ops)).toEqual([0, 'EBUSY', 0, 0]);
  });

  it('a descriptor twice gives EBADF, and its number goes to the next file', async () => {
    const ops = [close('c'), close('c'), openContainer('x'), setContainer('g0', 'c'), setContainer('g0', 'x')];
    expect(
      await resultsOf([openContainer(), openGroup(), ...[{ op: 'mmap', as: 'args', length: PAGE } as Op]], ops),
    ).toEqual([0, 'EBADF', 'x', 'EBADF', 0]);
  });
});

describe('a mapping of the registers of a device', () => {
  const bar: Op = { op: 'mmap', as: 'bar', length: 2 * PAGE, backing: 'fd', fd: 'd' };
  const gone = (page: number, more = {}): Op => ({
    op: 'unmap',
    memory: 'bar',
    at: page * PAGE,
    length: PAGE,
    ...more,
  });
  const mapped: Op[] = [...ready(), openDevice(), bar, close('d')];

  it('keeps the device open until the last page of it is unmapped', async () => {
    const ops = [unsetContainer(), gone(0), unsetContainer(), gone(1), unsetContainer()];
    expect(await resultsOf(mapped, ops)).toEqual(['EBUSY', 0, 'EBUSY', 0, 0]);
  });

  it('is kept by a process that was forked off, until that ends', async () => {
    const ops: Op[] = [{ op: 'fork', as: 'child' }, gone(0), gone(1), unsetContainer()];
    expect(await resultsOf(mapped, [...ops, { op: 'exit', actor: 'child' }, unsetContainer()])).toEqual([
      0,
      0,
      0,
      'EBUSY',
      0,
      0,
    ]);
  });
});

describe('unbinding the driver of a device that is open', () => {
  it('never ends', async () => {
    const ops: Op[] = [...ready(), openDevice(), { op: 'unbind_driver', slot: 'g0', device: 0 }, close('d')];
    const result = await run(ops);
    expect(result.end).toBe('hung');
    expect(result.outcomes).toHaveLength(ops.length - 2);
    expect(result.detail).toMatch(/waits/);
  });
});

describe('a process', () => {
  const child = { actor: 'child' };
  const fork: Op = { op: 'fork', as: 'child' };
  const exit: Op = { op: 'exit', ...child };

  it('that was forked off has the same files, which stay open until both have closed them', async () => {
    const ops: Op[] = [close('g0'), openGroup('g0', 'again'), close('g0', child), openGroup('g0', 'again')];
    expect(await resultsOf([...ready(), fork], ops)).toEqual([0, 'EBUSY', 0, 'again']);
  });

  it('that exits closes its files', async () => {
    const ops: Op[] = [close('g0'), exit, openGroup('g0', 'again')];
    expect(await resultsOf([...ready(), fork], ops)).toEqual([0, 0, 'again']);
  });

  it('that exits leaves its mappings to the others that have the container', async () => {
    const ops: Op[] = [map({}, child), exit, map(), unmap()];
    expect(await resultsOf([...ready(), fork], ops)).toEqual([0, 0, 'EEXIST', 0]);
  });

  it('has names, limits and privileges of its own', async () => {
    const ops: Op[] = [
      openContainer('mine', child),
      close('mine'),
      { op: 'drop_capability', capability: 'ipc_lock', ...child },
      { op: 'rlimit', resource: 'memlock', value: 0, ...child },
      map({}, child),
      map(),
    ];
    expect(await resultsOf([...ready(), fork], ops)).toEqual(['mine', 'EBADF', 0, 0, 'ENOMEM', 0]);
  });

  it('can have the name of one that has exited', async () => {
    expect(await resultsOf([...ready(), fork, exit], [fork, map({}, child), exit])).toEqual([0, 0, 0]);
  });

  it('performs the ops of its threads', async () => {
    expect(await resultsOf(ready(), [map({}, { actor: 'main/t1', concurrent: true }), map()])).toEqual([0, 'EEXIST']);
  });

  it('that does not run, or that is main and exits, is not supported', async () => {
    for (const ops of [[exit], [fork, exit, exit], [{ op: 'exit' } as Op], [fork, fork]]) {
      expect((await run(ops)).end).toBe('unsupported');
    }
  });
});
