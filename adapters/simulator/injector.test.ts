import { describe, expect, it } from 'vitest';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import {
  attached,
  map,
  openContainer,
  openDevice,
  opened,
  openGroup,
  ready,
  resultsOf,
  setContainer,
  setIommu,
  unmap,
} from './test-programs.ts';

const inject = (fault: 'allocation' | 'copy' | 'driver', nth = 1, more = {}): Op => ({
  op: 'inject',
  fault,
  nth,
  ...more,
});

describe('an injected fault', () => {
  it('in an allocation gives ENOMEM and changes nothing', async () => {
    expect(await resultsOf([], [inject('allocation'), openContainer(), openContainer()])).toEqual([0, 'ENOMEM', 'c']);
    for (const nth of [1, 2, 3]) {
      expect(await resultsOf(attached(), [inject('allocation', nth), setIommu(), setIommu()])).toEqual([
        0,
        'ENOMEM',
        0,
      ]);
    }
    expect(await resultsOf(ready(), [inject('allocation'), map(), map()])).toEqual([0, 'ENOMEM', 0]);
    expect(await resultsOf(ready(), [inject('allocation'), openDevice(), openDevice()])).toEqual([0, 'ENOMEM', 'd']);
  });

  it('in the allocation of a page table gives ENOMEM, or EIO with domain_allocation_failure=eio', async () => {
    const ops = [inject('allocation', 4), setIommu(), setIommu()];
    expect(await resultsOf(attached(), ops)).toEqual([0, 'ENOMEM', 0]);
    const stage = { parameters: { domain_allocation_failure: 'eio' } };
    expect(await resultsOf(attached(), ops, stage)).toEqual([0, 'EIO', 0]);
  });

  it('in a copy from the process gives EFAULT and changes nothing', async () => {
    expect(await resultsOf(opened(), [inject('copy'), setContainer(), setContainer()])).toEqual([0, 'EFAULT', 0]);
    expect(await resultsOf(ready(), [inject('copy'), map(), map()])).toEqual([0, 'EFAULT', 0]);
  });

  it('in the copy to the process gives EFAULT after the mappings are gone', async () => {
    expect(await resultsOf(ready(), [map(), inject('copy', 2), unmap(), map()])).toEqual([0, 0, 'EFAULT', 0]);
  });

  it('waits for the next op of its actor, and is gone after it', async () => {
    const setup: Op[] = [...ready(), { op: 'fork', as: 'child' }, inject('copy', 1, { actor: 'child' })];
    const ops = [map(), unmap(), unmap({}, { actor: 'child' }), unmap({}, { actor: 'child' })];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, 'EFAULT', 0]);
    expect(await resultsOf(ready(), [inject('copy', 2), map(), unmap()])).toEqual([0, 0, 0]);
  });

  it('adds to those before it: each of them happens in the next op', async () => {
    // One copy reads the argument, the next one writes the size back.
    const both = [map(), inject('copy', 2), inject('copy', 7), unmap(), inject('copy', 9), inject('copy', 1), unmap()];
    expect(await resultsOf(ready(), both)).toEqual([0, 0, 0, 'EFAULT', 0, 0, 'EFAULT']);
  });

  it.each(['absent', 'present'])(
    'in the driver is in one of its hooks for guest tables; with bind=%s other calls go through',
    async (bind) => {
      const joins: Op[] = [openGroup('g1'), inject('driver'), setContainer('g1')];
      const ops = [inject('driver'), setIommu(), inject('driver'), map(), ...joins, inject('driver'), unmap()];
      const answers = await resultsOf(attached(), ops, { parameters: { bind } });
      expect(answers).toEqual([0, 0, 0, 0, 'g1', 0, 0, 0, 0]);
    },
  );
});
