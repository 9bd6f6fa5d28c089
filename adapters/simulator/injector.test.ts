import { describe, expect, it } from 'vitest';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import {
  answersOf,
  attached,
  map,
  openContainer,
  openDevice,
  opened,
  openGroup,
  outcomesOf,
  PAGE,
  ready,
  setContainer,
  setIommu,
  unmap,
  unmapAll,
} from './test-programs.ts';

const inject = (fault: 'allocation' | 'copy' | 'driver', nth = 1, more = {}): Op => ({
  op: 'inject',
  fault,
  nth,
  ...more,
});

describe('an injected fault', () => {
  it('in an allocation gives ENOMEM and changes nothing', async () => {
    expect(await answersOf([], [inject('allocation'), openContainer(), openContainer()])).toEqual([0, 'ENOMEM', 'c']);
    for (const nth of [1, 2, 3]) {
      expect(await answersOf(attached(), [inject('allocation', nth), setIommu(), setIommu()])).toEqual([
        0,
        'ENOMEM',
        0,
      ]);
    }
    expect(await answersOf(ready(), [inject('allocation'), map(), map()])).toEqual([0, 'ENOMEM', 0]);
    expect(await answersOf(ready(), [inject('allocation'), openDevice(), openDevice()])).toEqual([0, 'ENOMEM', 'd']);
  });

  it('in the allocation of a page table gives ENOMEM, or EIO with domain_allocation_failure=eio', async () => {
    const ops = [inject('allocation', 4), setIommu(), setIommu()];
    expect(await answersOf(attached(), ops)).toEqual([0, 'ENOMEM', 0]);
    const stage = { parameters: { domain_allocation_failure: 'eio' } };
    expect(await answersOf(attached(), ops, stage)).toEqual([0, 'EIO', 0]);
  });

  it('in a copy from the process gives EFAULT and changes nothing', async () => {
    expect(await answersOf(opened(), [inject('copy'), setContainer(), setContainer()])).toEqual([0, 'EFAULT', 0]);
    expect(await answersOf(ready(), [inject('copy'), map(), map()])).toEqual([0, 'EFAULT', 0]);
  });

  it('in the copy to the process gives EFAULT after the mappings are gone', async () => {
    expect(await answersOf(ready(), [map(), inject('copy', 2), unmap(), map()])).toEqual([0, 0, 'EFAULT', 0]);
  });

  it('in the driver gives EIO and changes nothing', async () => {
    for (const nth of [1, 2]) {
      expect(await answersOf(attached(), [inject('driver', nth), setIommu(), setIommu()])).toEqual([0, 'EIO', 0]);
      const joining = [...ready(), openGroup('g1')];
      expect(await answersOf(joining, [inject('driver', nth), setContainer('g1'), setContainer('g1')])).toEqual([
        0,
        'EIO',
        0,
      ]);
    }
  });

  it('in the driver undoes the pages that a mapping had, with their charge', async () => {
    const size = 4 * PAGE;
    const tight: Op[] = [
      { op: 'drop_capability', capability: 'ipc_lock' },
      { op: 'rlimit', resource: 'memlock', value: size },
    ];
    const ops = [inject('driver', 3), map({ size }), map({ size })];
    expect(await answersOf([...ready(), ...tight], ops)).toEqual([0, 'EIO', 0]);
  });

  it('in joining two groups gives the second page tables of its own, with the same mappings', async () => {
    const setup = [...ready(), map({ size: 2 * PAGE }), openGroup('g1'), inject('driver', 3), setContainer('g1')];
    const outcomes = await outcomesOf(setup, [map({ iova: 0 }), unmapAll()]);
    expect(outcomes[1]!.saved).toEqual({ size: 3 * PAGE });
    const refused = [...ready(), map(), openGroup('g1'), inject('driver', 3), inject('driver', 5)];
    expect(await answersOf(refused, [setContainer('g1'), setContainer('g1')])).toEqual(['EIO', 0]);
  });

  it('waits for the next op of its actor, and is gone after it', async () => {
    const setup: Op[] = [...ready(), { op: 'fork', as: 'child' }, inject('copy', 1, { actor: 'child' })];
    const ops = [map(), unmap(), unmap({}, { actor: 'child' }), unmap({}, { actor: 'child' })];
    expect(await answersOf(setup, ops)).toEqual([0, 0, 'EFAULT', 0]);
    expect(await answersOf(ready(), [inject('copy', 2), map(), unmap()])).toEqual([0, 0, 0]);
  });

  it('in the driver is one of its hooks for guest tables where it has them', async () => {
    const stage = { parameters: { bind: 'present' } };
    expect(await answersOf(attached(), [inject('driver'), setIommu(), inject('driver'), map()], stage)).toEqual([
      0, 0, 0, 0,
    ]);
  });
});
