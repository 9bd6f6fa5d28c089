import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  call,
  ioctl,
  le,
  map,
  mmap,
  number,
  outcomesOf,
  PAGE,
  READ,
  ready,
  resultsOf,
  unmap,
  unmapAll,
  VADDR,
  WRITE,
} from '../test-programs.ts';

const MAP_DMA = number.VFIO_IOMMU_MAP_DMA!;
const END = 2n ** 64n;
const APERTURE = 2 ** 39;
const setLimit = (value: string): Op => ({
  op: 'set_parameter',
  module: 'vfio_iommu_type1',
  parameter: 'dma_entry_limit',
  value,
});

describe.each([1, 3])('MAP_DMA with type %i', (type) => {
  const answers = (ops: Op[]) => resultsOf(ready(type), ops);

  it('gives EFAULT for an argument of which a byte is unreadable', async () => {
    const at = (offset: number): Op => ({
      op: 'ioctl',
      fd: 'c',
      number: MAP_DMA,
      argument: { memory: 'args', at: offset },
    });
    expect(await answers([ioctl('c', MAP_DMA), at(PAGE - 31), at(PAGE - 32)])).toEqual(['EFAULT', 'EFAULT', 'EINVAL']);
  });

  it('gives EINVAL for a size of the argument below 32, and accepts any above', async () => {
    expect(await answers([map({ argsz: 31 }), map({ argsz: 0 }), map({ argsz: 0xffffffff })])).toEqual([
      'EINVAL',
      'EINVAL',
      0,
    ]);
  });

  it.each([0, 8, READ | 0x8000_0000, VADDR | READ, VADDR | WRITE])('gives EINVAL for the flags %i', async (flags) => {
    expect(await answers([map({ flags })])).toEqual(['EINVAL']);
  });

  it.each([READ, WRITE, READ | WRITE])('accepts the flags %i', async (flags) => {
    expect(await answers([map({ flags })])).toEqual([0]);
  });

  it.each([
    { size: 0 },
    { size: 1 },
    { size: PAGE + 2048 },
    { iova: 0x1800 },
    { iova: 2n ** 63n + 1n },
    { memoryAt: 1 },
    { memoryAt: 2048 },
  ])('gives EINVAL for the misaligned %o', async (fields) => {
    expect(await answers([map(fields)])).toEqual(['EINVAL']);
  });

  it('gives EINVAL for ranges that wrap', async () => {
    const wrapping = [
      map({ iova: END - BigInt(PAGE), size: 2 * PAGE }),
      map({ vaddr: END - BigInt(PAGE), size: 2 * PAGE }),
      map({ iova: 0x10_0000, size: END - 0x10_0000n + BigInt(PAGE) }),
    ];
    expect(await answers(wrapping)).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
  });

  it('does not take an address range that ends at 2^64 for one that wraps', async () => {
    expect(await answers([map({ vaddr: END - BigInt(PAGE) })])).toEqual(['EFAULT']);
  });

  it('gives EEXIST for every way to overlap', async () => {
    const at = (iova: number, pages: number) => map({ iova: iova * PAGE, size: pages * PAGE });
    const ops = [at(10, 2), at(10, 2), at(10, 1), at(11, 1), at(9, 2), at(11, 2), at(9, 4), at(8, 2), at(12, 1)];
    expect(await answers(ops)).toEqual([0, 'EEXIST', 'EEXIST', 'EEXIST', 'EEXIST', 'EEXIST', 'EEXIST', 0, 0]);
  });

  it('sees no overlap when the range ends at 2^64, and refuses the range instead', async () => {
    const toTheEnd = map({ iova: 0x10_0000, size: END - 0x10_0000n });
    expect(await answers([map(), toTheEnd])).toEqual([0, 'EINVAL']);
  });

  it.each([0, APERTURE - PAGE, 0xfedf_f000, 0xfef0_0000])('accepts the page at %i', async (iova) => {
    expect(await answers([map({ iova })])).toEqual([0]);
  });

  it.each([
    { iova: APERTURE },
    { iova: APERTURE - PAGE, size: 2 * PAGE },
    { iova: 0xfee0_0000 },
    { iova: 0xfeef_f000 },
    { iova: 0xfedf_f000, size: 2 * PAGE },
    { iova: 0xfeef_f000, size: 2 * PAGE },
    { iova: 0xfed0_0000, size: 0x40_0000 },
    { iova: END - BigInt(PAGE) },
  ])('gives EINVAL for %o, which the IOMMU does not translate', async (fields) => {
    expect(await answers([map(fields)])).toEqual(['EINVAL']);
  });

  it('judges whether the range is valid before it looks at memory', async () => {
    expect(await answers([map({ iova: APERTURE, vaddr: 0 })])).toEqual(['EINVAL']);
  });

  it('writes nothing, so that the argument may be read-only', async () => {
    const ops: Op[] = [
      map(),
      { op: 'protect', memory: 'args', at: 0, length: PAGE, protection: 'read' },
      unmap({}, {}),
      { op: 'ioctl', fd: 'c', number: MAP_DMA, argument: { memory: 'args', at: 0 } },
    ];
    const outcomes = await outcomesOf(ready(type), ops);
    expect(outcomes.map(({ value, errno }) => errno ?? value)).toEqual([0, 0, 'EFAULT', 'EEXIST']);
    expect(outcomes.every(({ changed }) => changed === undefined)).toBe(true);
  });
});

describe('the limit of entries', () => {
  const limited: Op[] = [setLimit('1'), ...ready()];
  const outside = { iova: APERTURE };

  it('gives ENOSPC when no entry is free, and counts what is unmapped as free', async () => {
    const ops = [map(), map({ iova: 0 }), unmap(), map({ iova: 0 })];
    expect(await resultsOf(limited, ops)).toEqual([0, 'ENOSPC', 0, 0]);
  });

  it('comes after overlap and size, and before aperture and memory', async () => {
    const ops = [map(), map(), map({ iova: 0, size: 0 }), map(outside), map({ iova: 0, vaddr: 0 })];
    expect(await resultsOf(limited, ops)).toEqual([0, 'EEXIST', 'EINVAL', 'ENOSPC', 'ENOSPC']);
  });

  it('is the one of the time when the backend was made', async () => {
    expect(await resultsOf(limited, [setLimit('9'), map(), map({ iova: 0 })])).toEqual([0, 0, 'ENOSPC']);
    expect(await resultsOf([...ready(), setLimit('0')], [map()])).toEqual([0]);
  });

  it('is given back by a mapping that fails', async () => {
    expect(await resultsOf(limited, [map({ vaddr: 0 }), map()])).toEqual(['EFAULT', 0]);
  });

  it('is a number of 32 bits', async () => {
    const ops = ['x', '09', '-1', '0x10', '010', '4294967295', '4294967296', '7\n', ''].map(setLimit);
    expect(await resultsOf([], ops)).toEqual(['EINVAL', 'EINVAL', 'EINVAL', 0, 0, 0, 'ERANGE', 0, 0]);
  });

  it('is the only parameter there is', async () => {
    const set = (module: string, parameter: string): Op => ({ op: 'set_parameter', module, parameter, value: '1' });
    const ops = [set('vfio_iommu_type1', 'other'), set('vfio', 'dma_entry_limit')];
    expect(await resultsOf([], ops)).toEqual(['ENOENT', 'ENOENT']);
    expect(await resultsOf([], [setLimit('1')], { machine: { type1Module: false } })).toEqual(['ENOENT']);
  });
});

describe('the aperture', () => {
  it('is as wide as the machine says', async () => {
    const ops = [map({ iova: APERTURE }), map({ iova: 2 ** 48 - PAGE }), map({ iova: 2 ** 48 })];
    expect(await resultsOf(ready(), ops, { machine: { addressBits: 48 } })).toEqual([0, 0, 'EINVAL']);
  });
});

describe('MAP_DMA with the flag VADDR', () => {
  const update = (fields = {}) => map({ flags: VADDR, ...fields });
  const invalidate = unmap({ flags: VADDR });

  it('gives ENOENT where nothing is mapped', async () => {
    expect(await resultsOf(ready(), [update(), map(), update({ iova: 0x10_1000 })])).toEqual(['ENOENT', 0, 'ENOENT']);
  });

  it('gives EINVAL where the mapping is valid', async () => {
    expect(await resultsOf(ready(), [map(), update(), update({ iova: 0x0f_f000, size: 3 * PAGE })])).toEqual([
      0,
      'EINVAL',
      'EINVAL',
    ]);
  });

  it('gives EINVAL for malformed input before it looks for mappings', async () => {
    expect(await resultsOf(ready(), [update({ size: 0 }), update({ memoryAt: 1 })])).toEqual(['EINVAL', 'EINVAL']);
  });

  it('makes an invalid mapping of exactly that range valid again', async () => {
    const ops = [
      map({ size: 2 * PAGE }),
      unmap({ flags: VADDR, size: 2 * PAGE }),
      update(),
      update({ size: 2 * PAGE }),
    ];
    expect(await resultsOf(ready(), [...ops, update({ size: 2 * PAGE })])).toEqual([0, 0, 'EINVAL', 0, 'EINVAL']);
  });

  it('does not look at the new address', async () => {
    expect(await resultsOf(ready(), [map(), invalidate, update({ vaddr: 0x1000 })])).toEqual([0, 0, 0]);
  });

  it('moves the charge to the process that asks, if that may have it', async () => {
    const child = { actor: 'child' };
    const setup: Op[] = [
      ...ready(),
      map(),
      { op: 'fork', as: 'child' },
      { op: 'drop_capability', capability: 'ipc_lock', ...child },
      { op: 'rlimit', resource: 'memlock', value: 0, ...child },
      invalidate,
    ];
    const flags = VADDR;
    expect(await resultsOf(setup, [map({ flags }, child), map({ flags })])).toEqual(['ENOMEM', 0]);
  });
});

describe('an argument that crosses pages', () => {
  it('is read from both', async () => {
    const block = le(32, 4) + le(READ, 4) + le(0, 8) + le(0, 8) + le(PAGE, 8);
    const setup = [...ready(), mmap('wide', 2)];
    const op: Op = {
      op: 'ioctl',
      fd: 'c',
      number: MAP_DMA,
      argument: { memory: 'wide', at: PAGE - 10, bytes: block, relocations: [{ at: 8, width: 8, ref: 'm' }] },
    };
    expect(await resultsOf(setup, [op, unmapAll(), call('c', MAP_DMA, block)])).toEqual([0, 0, 'EFAULT']);
  });
});
