import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { map, mmap, openDevice, PAGE, READ, ready, resultsOf, unmap } from '../test-programs.ts';

const lock = (memory: string, page: number, pages: number, more = {}): Op => ({
  op: 'lock',
  memory,
  at: page * PAGE,
  length: pages * PAGE,
  ...more,
});
const limit = (value: number): Op => ({ op: 'rlimit', resource: 'memlock', value });
const drop: Op = { op: 'drop_capability', capability: 'ipc_lock' };
const tight: Op[] = [...ready(), drop, limit(2 * PAGE)];

describe('locking memory', () => {
  it('is charged next to what is mapped for devices', async () => {
    const ops = [lock('m', 0, 1), map(), map({ iova: 0 }), unmap(), map({ iova: 0 })];
    expect(await resultsOf(tight, ops)).toEqual([0, 0, 'ENOMEM', 0, 0]);
  });

  it('is charged once, and given back when the memory goes', async () => {
    const gone: Op = { op: 'unmap', memory: 'm', at: 0, length: PAGE };
    const ops = [lock('m', 0, 2), lock('m', 0, 2), lock('m', 2, 1), gone, lock('m', 2, 1)];
    expect(await resultsOf(tight, ops)).toEqual([0, 0, 'ENOMEM', 0, 0]);
  });

  it('is limited unless privileged; without any limit it is not allowed', async () => {
    expect(await resultsOf(ready(), [limit(0), lock('m', 0, 4)])).toEqual([0, 0]);
    expect(await resultsOf(tight, [lock('m', 0, 3), limit(0), lock('m', 0, 1)])).toEqual(['ENOMEM', 0, 'EPERM']);
  });

  it('of pages that nobody may use fails, after they are charged', async () => {
    const none = mmap('n', 2, { protection: 'none' });
    expect(await resultsOf([...tight, none], [lock('n', 0, 2), map()])).toEqual(['ENOMEM', 'ENOMEM']);
  });

  it('stops at a hole and at the end, with what is before it locked', async () => {
    const hole: Op = { op: 'unmap', memory: 'm', at: PAGE, length: PAGE };
    expect(await resultsOf([...tight, hole], [lock('m', 0, 2), lock('m', 3, 2), map()])).toEqual([
      'ENOMEM',
      'ENOMEM',
      'ENOMEM',
    ]);
  });

  it('keeps pages from being discarded', async () => {
    const discard: Op = { op: 'discard', memory: 'm', at: 0, length: PAGE };
    expect(await resultsOf(ready(), [lock('m', 0, 1), discard])).toEqual([0, 'EINVAL']);
  });

  it('gives a process pages of its own, so that a device never sees the page of zeros', async () => {
    const stage = { parameters: { untouched_read_map: 'zero_page' } };
    const fresh = mmap('fresh', 2, { fill: 'untouched' });
    const readOnly = (page: number) => map({ memory: 'fresh', memoryAt: page * PAGE, flags: READ, iova: page * PAGE });
    const ops = [lock('fresh', 0, 1), readOnly(1), readOnly(0), map()];
    expect(await resultsOf([...tight, fresh], ops, stage)).toEqual([0, 0, 0, 'ENOMEM']);
  });

  it('does not go to a process that is forked off', async () => {
    const child = { actor: 'child' };
    const ops: Op[] = [lock('m', 0, 2), { op: 'fork', as: 'child' }, lock('m', 2, 2, child), lock('m', 2, 1)];
    expect(await resultsOf(tight, ops)).toEqual([0, 0, 0, 'ENOMEM']);
  });

  it('costs nothing for the registers of a device', async () => {
    const bar: Op[] = [openDevice(), mmap('bar', 4, { backing: 'fd', fd: 'd', offset: 0 })];
    expect(await resultsOf([...tight, ...bar], [lock('bar', 0, 4), lock('m', 0, 2)])).toEqual([0, 0]);
  });
});

describe('dropping every privilege', () => {
  it('brings limits back into force, which cannot be raised then', async () => {
    const all: Op = { op: 'drop_capability', capability: 'all' };
    const ops: Op[] = [limit(PAGE), all, map(), map({ iova: 0 }), limit(2 * PAGE), limit(PAGE)];
    expect(await resultsOf(ready(), [...ops, openDevice()])).toEqual([0, 0, 0, 'ENOMEM', 'EPERM', 0, 'd']);
  });
});
