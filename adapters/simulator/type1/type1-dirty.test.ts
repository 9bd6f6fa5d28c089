import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  call,
  GET_DIRTY,
  ioctl,
  le,
  map,
  mmap,
  number,
  outcomesOf,
  PAGE,
  peek,
  poke,
  ready,
  resultsOf,
  unmap,
  unmapAll,
} from '../test-programs.ts';

const DIRTY_PAGES = number.VFIO_IOMMU_DIRTY_PAGES!;
const END = 2n ** 64n;
/** First address that is none of user space. */
const USER_END = 0x7fff_ffff_f000n;
/** First page of most mappings here. */
const FIRST = 0x1000;

const request = (flags: number, argsz = 8) => call('c', DIRTY_PAGES, le(argsz, 4) + le(flags, 4));
const start = request(1);
const stop = request(2);

interface Fields {
  argsz?: number;
  iova?: number | bigint;
  size?: number | bigint;
  pageSize?: number | bigint;
  bitmapSize?: number;
  /** The address; without it, a place in the memory `bits`. */
  data?: number | bigint;
  at?: number;
}

/** GET_BITMAP of pages from FIRST on, unless told otherwise. */
function get(fields: Fields = {}): Op {
  const { argsz = 48, iova = FIRST * PAGE, size = PAGE, pageSize = PAGE, bitmapSize = 64, data, at = 0 } = fields;
  const bytes = le(argsz, 4) + le(4, 4) + le(iova, 8) + le(size, 8);
  const bitmap = le(pageSize, 8) + le(bitmapSize, 8) + le(data ?? 0, 8);
  return call('c', DIRTY_PAGES, bytes + bitmap, data === undefined ? [{ at: 40, width: 8, ref: 'bits', add: at }] : []);
}

/** GET_BITMAP of some pages, the first of which lies before FIRST. */
const getFrom = (before: number, pages: number, at = 0) =>
  get({ iova: (FIRST - before) * PAGE, size: pages * PAGE, at });
const mapPages = (first: number, pages: number) => map({ memory: 'big', iova: first * PAGE, size: pages * PAGE });
const clear = poke('bits', 0, '00'.repeat(32));
const setup: Op[] = [mmap('bits', 1), mmap('big', 128), ...ready()];
const tracking: Op[] = [...setup, mapPages(FIRST, 3), start, clear];

/** The bits that some ops leave. */
async function bitsAfter(ops: Op[], bytes = 16): Promise<string> {
  return (await outcomesOf(tracking, [...ops, peek('bits', 0, bytes)])).at(-1)!.bytes!;
}

describe('DIRTY_PAGES', () => {
  it('gives EACCES with type 1 before it reads anything', async () => {
    expect(await resultsOf(ready(1), [ioctl('c', DIRTY_PAGES), start])).toEqual(['EACCES', 'EACCES']);
  });

  it('gives EFAULT below 8 readable bytes', async () => {
    const at: Op = { op: 'ioctl', fd: 'c', number: DIRTY_PAGES, argument: { memory: 'args', at: PAGE - 7 } };
    expect(await resultsOf(setup, [ioctl('c', DIRTY_PAGES), at])).toEqual(['EFAULT', 'EFAULT']);
  });

  it.each([
    [1, 7],
    [0, 8],
    [3, 8],
    [5, 48],
    [8, 8],
    [0x8000_0001, 8],
  ])('gives EINVAL for the flags %i with a size of %i', async (flags, argsz) => {
    expect(await resultsOf(setup, [request(flags, argsz)])).toEqual(['EINVAL']);
  });

  it('starts and stops as often as asked, from memory that is read-only', async () => {
    const readOnly: Op = { op: 'protect', memory: 'args', at: 0, length: PAGE, protection: 'read' };
    const again: Op = { op: 'ioctl', fd: 'c', number: DIRTY_PAGES, argument: { memory: 'args', at: 0 } };
    expect(await resultsOf(setup, [stop, start, start, readOnly, again])).toEqual([0, 0, 0, 0, 0]);
  });

  it('gives ENOMEM, and does not start, when there is no memory for a bitmap', async () => {
    const two = [...setup, mapPages(FIRST, 1), mapPages(FIRST + 1, 1)];
    const ops: Op[] = [{ op: 'inject', fault: 'allocation', nth: 2 }, start, get({ size: 2 * PAGE }), start];
    expect(await resultsOf(two, ops)).toEqual([0, 'ENOMEM', 'EINVAL', 0]);
  });
});

describe('GET_BITMAP', () => {
  it.each<Fields>([
    { argsz: 47 },
    { iova: END - BigInt(PAGE) },
    { size: END - BigInt(FIRST * PAGE) },
    { data: USER_END },
    { data: USER_END - 63n },
    { data: 0xffff_8000_0000_0000n },
    { size: 0 },
    { bitmapSize: 0 },
    { bitmapSize: 2 ** 28 + 8 },
    { size: 513 * PAGE },
    { pageSize: 0 },
    { pageSize: 4097 },
    { pageSize: 2 * PAGE, size: 4 * PAGE },
    { iova: FIRST * PAGE + 1 },
    { size: PAGE + 1 },
    { size: PAGE },
    { iova: (FIRST + 1) * PAGE, size: 2 * PAGE },
  ])('gives EINVAL for %o', async (fields) => {
    const [outcome] = await outcomesOf(tracking, [get({ size: 3 * PAGE, ...fields })]);
    expect(outcome).toEqual({ errno: 'EINVAL' });
  });

  it('gives EFAULT when what follows the struct is unreadable', async () => {
    const at = { memory: 'args', at: PAGE - 47, bytes: le(48, 4) + le(4, 4) };
    expect(await resultsOf(tracking, [{ op: 'ioctl', fd: 'c', number: DIRTY_PAGES, argument: at }])).toEqual([
      'EFAULT',
    ]);
  });

  it('gives EINVAL while nothing is tracked', async () => {
    const ops = [get({ size: 3 * PAGE }), stop, get({ size: 3 * PAGE })];
    expect(await resultsOf(tracking, ops)).toEqual([0, 0, 'EINVAL']);
  });

  it('shows every page of a mapping as dirty, each time', async () => {
    const size = 3 * PAGE;
    expect(await bitsAfter([get({ size }), clear, get({ size })])).toBe(le(7, 16));
  });

  it('shows mappings that were made while pages are tracked', async () => {
    expect(await bitsAfter([mapPages(FIRST + 70, 2), getFrom(0, 72)])).toBe(le(7n | (3n << 70n), 16));
  });

  it('writes whole words that hold a mapping, and no other', async () => {
    const preset = poke('bits', 0, 'ff'.repeat(24));
    const ops = [preset, mapPages(FIRST + 128, 1), getFrom(0, 129)];
    expect(await bitsAfter(ops, 24)).toBe(le(7, 8) + 'ff'.repeat(8) + le(1, 8));
  });

  it('needs memory for the words of mappings only', async () => {
    const ops = [getFrom(0, 512, PAGE - 8), getFrom(0, 512, PAGE - 4), get({ size: 3 * PAGE, data: 0 })];
    const nothing = get({ iova: 0, data: 0 });
    expect(await resultsOf(tracking, [...ops, nothing])).toEqual([0, 'EFAULT', 'EFAULT', 0]);
  });

  it('shifts the bits of a mapping that does not begin at a word', async () => {
    expect(await bitsAfter([getFrom(5, 8)])).toBe(le(7 << 5, 16));
    expect(await bitsAfter([getFrom(33, 36)])).toBe(le(7n << 33n, 16));
    expect(await bitsAfter([getFrom(63, 66)])).toBe(le(7n << 63n, 16));
    expect(await bitsAfter([getFrom(70, 73)])).toBe(le(7n << 70n, 16));
  });

  it('leaves bits behind the mapping after a shift, which the next one shows', async () => {
    expect(await bitsAfter([getFrom(5, 8), clear, getFrom(0, 3)])).toBe(le(0xe7, 16));
  });

  it('takes over the bits of the word that a mapping begins in, whole', async () => {
    const preset = poke('bits', 0, 'f0'.repeat(8));
    expect(await bitsAfter([preset, getFrom(5, 8)])).toBe(le(0xf0f0_f0f0_f0f0_f0f0n, 16));
    expect(await bitsAfter([preset, getFrom(5, 8), clear, getFrom(5, 8)])).toBe(le(0x1e1e_1e1e_1e1e_1ee0n, 16));
  });

  it('begins without what was left when it is started again', async () => {
    expect(await bitsAfter([getFrom(5, 8), stop, start, clear, getFrom(0, 3)])).toBe(le(7, 16));
  });
});

describe('MAP_DMA while pages are tracked', () => {
  it('gives ENOMEM, and maps nothing, when there is no memory for a bitmap', async () => {
    const inject: Op = { op: 'inject', fault: 'allocation', nth: 2 };
    expect(await resultsOf(tracking, [inject, map(), map()])).toEqual([0, 'ENOMEM', 0]);
  });
});

describe('UNMAP_DMA with the flag GET_DIRTY', () => {
  const unmapDirty = (pages: number, bitmap: string, at = 0): Op => {
    const bytes = le(48, 4) + le(GET_DIRTY, 4) + le(FIRST * PAGE, 8) + le(pages * PAGE, 8) + bitmap;
    return call('c', number.VFIO_IOMMU_UNMAP_DMA!, bytes, [{ at: 40, width: 8, ref: 'bits', add: at }], {
      save: [{ name: 'size', at: 16, width: 8 }],
    });
  };
  const bitmap = le(PAGE, 8) + le(64, 8) + le(0, 8);

  it('tells what is dirty and removes the mappings', async () => {
    const ops = [mapPages(FIRST + 10, 2), unmapDirty(12, bitmap), peek('bits', 0, 8), unmapAll()];
    const outcomes = await outcomesOf(tracking, ops);
    expect(outcomes[1]!.saved).toEqual({ size: 5 * PAGE });
    expect(outcomes[2]!.bytes).toBe(le(0xc07, 8));
    expect(outcomes[3]!.saved).toEqual({ size: 0 });
  });

  it('has removed the mappings before the one whose bits cannot be written', async () => {
    const ops = [mapPages(FIRST + 64, 2), unmapDirty(66, bitmap, PAGE - 8), unmapAll()];
    const outcomes = await outcomesOf(tracking, ops);
    expect(outcomes[1]!.errno).toBe('EFAULT');
    expect(outcomes[2]!.saved).toEqual({ size: 2 * PAGE });
  });

  it('touches no bitmap where nothing is mapped', async () => {
    const nowhere = unmap({ flags: GET_DIRTY, argsz: 48, iova: 0, tail: bitmap });
    expect(await resultsOf(tracking, [nowhere])).toEqual([0]);
  });

  it('gives EINVAL for another page size, a cut, or while nothing is tracked', async () => {
    const other = le(2 * PAGE, 8) + le(64, 8) + le(0, 8);
    const ops = [unmapDirty(3, other), unmapDirty(2, bitmap), stop, unmapDirty(3, bitmap), unmapAll()];
    const outcomes = await outcomesOf(tracking, ops);
    expect(outcomes.map(({ errno }) => errno)).toEqual(['EINVAL', 'EINVAL', undefined, 'EINVAL', undefined]);
    expect(outcomes.at(-1)!.saved).toEqual({ size: 3 * PAGE });
  });
});
