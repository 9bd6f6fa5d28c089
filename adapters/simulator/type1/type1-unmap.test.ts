import { describe, expect, it } from 'vitest';
import type { Op, Outcome } from '../../../spec/uapi/vocabulary.ts';
import {
  ALL,
  GET_DIRTY,
  ioctl,
  le,
  map,
  mmap,
  number,
  outcomesOf,
  PAGE,
  ready,
  resultsOf,
  unmap,
  unmapAll,
  VADDR,
} from '../test-programs.ts';

const UNMAP_DMA = number.VFIO_IOMMU_UNMAP_DMA!;
const END = 2n ** 64n;

const pagesAt = (iova: number, pages: number) => ({ iova: iova * PAGE, size: pages * PAGE });
/** Mappings of one page at 10, two at 12, one at 20. */
const three = [map(pagesAt(10, 1)), map(pagesAt(12, 2)), map(pagesAt(20, 1))];
/** Pages removed, or the errno. */
const removed = ({ saved, errno }: Outcome) => errno ?? Number(saved!.size) / PAGE;

async function removedBy(type: number, ops: Op[]): Promise<unknown[]> {
  return (await outcomesOf([...ready(type), ...three], ops)).map(removed);
}

describe.each([1, 3])('UNMAP_DMA with type %i', (type) => {
  it('gives EFAULT for an argument of which a byte is unreadable', async () => {
    const at = (offset: number): Op => ({
      op: 'ioctl',
      fd: 'c',
      number: UNMAP_DMA,
      argument: { memory: 'args', at: offset },
    });
    expect(await resultsOf(ready(type), [ioctl('c', UNMAP_DMA), at(PAGE - 23), at(PAGE - 24)])).toEqual([
      'EFAULT',
      'EFAULT',
      'EINVAL',
    ]);
  });

  it.each([
    { argsz: 23 },
    { flags: 8 },
    { flags: 0x8000_0000 },
    { flags: GET_DIRTY | ALL },
    { flags: GET_DIRTY | VADDR },
    { iova: 0x800 },
    { size: 0 },
    { size: PAGE + 1 },
    { iova: END - BigInt(PAGE), size: 2 * PAGE },
    { flags: ALL },
    { flags: ALL, iova: 0 },
    { flags: ALL, size: 0 },
    { flags: ALL, iova: 0, size: 1 },
  ])('gives EINVAL for %o and writes nothing', async (fields) => {
    const [, outcome] = await outcomesOf(ready(type), [map(), unmap(fields)]);
    expect(outcome).toEqual({ errno: 'EINVAL' });
  });

  it('removes whole mappings with the gaps between them, and tells the sum of their sizes', async () => {
    expect(await removedBy(type, [unmap(pagesAt(10, 4)), unmapAll()])).toEqual([3, 1]);
  });

  it('gives 0 where nothing is mapped, inside and outside of what can be mapped', async () => {
    const ops = [pagesAt(11, 1), { iova: 0xfee0_0000 }, { iova: 2 ** 40 }].map((fields) => unmap(fields));
    expect(await removedBy(type, ops)).toEqual([0, 0, 0]);
  });

  it('of everything removes everything, and works when nothing is there', async () => {
    expect(await removedBy(type, [unmapAll(), unmapAll()])).toEqual([4, 0]);
  });

  it('up to the end of the address space removes nothing and says so', async () => {
    const toTheEnd = unmap({ iova: 10 * PAGE, size: END - BigInt(10 * PAGE) });
    const onePageLess = unmap({ iova: 10 * PAGE, size: END - BigInt(11 * PAGE) });
    expect(await removedBy(type, [toTheEnd, onePageLess])).toEqual([0, 4]);
  });

  it('writes the size into the argument and nothing else', async () => {
    const [outcome] = await outcomesOf([...ready(type), ...three], [unmap(pagesAt(9, 6))]);
    expect(outcome).toEqual({
      value: 0,
      changed: [{ memory: 'args', at: 17, bytes: '30' }],
      saved: { size: 3 * PAGE },
    });
  });

  it('has removed the mappings when it cannot write the size', async () => {
    const block = le(24, 4) + le(0, 4) + le(10 * PAGE, 8) + le(4 * PAGE, 8);
    const setup: Op[] = [
      mmap('ro', 1),
      { op: 'poke', memory: 'ro', at: 0, bytes: block },
      { op: 'protect', memory: 'ro', at: 0, length: PAGE, protection: 'read' },
      ...ready(type),
      ...three,
    ];
    const fromReadOnly: Op = { op: 'ioctl', fd: 'c', number: UNMAP_DMA, argument: { memory: 'ro', at: 0 } };
    const outcomes = await outcomesOf(setup, [fromReadOnly, unmapAll()]);
    expect(outcomes.map(removed)).toEqual(['EFAULT', 1]);
  });

  it('makes what it removed mappable again', async () => {
    expect(await resultsOf(ready(type), [map(), unmap(), map()])).toEqual([0, 0, 0]);
  });
});

describe('UNMAP_DMA that cuts a mapping', () => {
  it('with type 3 gives EINVAL and removes nothing', async () => {
    const cuts = [pagesAt(13, 1), pagesAt(13, 8), pagesAt(12, 1), pagesAt(10, 3), pagesAt(13, 2 ** 39)];
    const ops = cuts.map((range) => unmap(range));
    expect(await removedBy(3, [...ops, unmapAll()])).toEqual([...cuts.map(() => 'EINVAL'), 4]);
  });

  it('with type 3 at its beginning is refused even when the range ends at 2^64', async () => {
    const toTheEnd = unmap({ iova: 13 * PAGE, size: END - BigInt(13 * PAGE) });
    expect(await removedBy(3, [toTheEnd])).toEqual(['EINVAL']);
  });

  it('with type 1 at its beginning removes nothing at all, and succeeds', async () => {
    expect(await removedBy(1, [unmap(pagesAt(13, 20)), unmapAll()])).toEqual([0, 4]);
  });

  it('with type 1 at its end removes all of it', async () => {
    expect(await removedBy(1, [unmap(pagesAt(12, 1)), unmap(pagesAt(10, 1)), unmapAll()])).toEqual([2, 1, 1]);
  });
});

describe('UNMAP_DMA with the flag GET_DIRTY', () => {
  const bitmap = (pageSize: number | bigint, size: number | bigint, data: number | bigint) =>
    le(pageSize, 8) + le(size, 8) + le(data, 8);

  it('gives EINVAL for an argument below 48 bytes before it reads the bitmap', async () => {
    expect(await resultsOf(ready(), [unmap({ flags: GET_DIRTY, argsz: 47 })])).toEqual(['EINVAL']);
  });

  it('gives EFAULT when the description of the bitmap is unreadable', async () => {
    const setup: Op[] = [
      ...ready(),
      { op: 'poke', memory: 'args', at: PAGE - 24, bytes: le(48, 4) + le(GET_DIRTY, 4) },
    ];
    const atTheEnd: Op = { op: 'ioctl', fd: 'c', number: UNMAP_DMA, argument: { memory: 'args', at: PAGE - 24 } };
    expect(await resultsOf(setup, [atTheEnd])).toEqual(['EFAULT']);
  });

  it.each([
    bitmap(PAGE, 8, 0),
    bitmap(PAGE, 8, END - 1n),
    bitmap(PAGE, 0, 0),
    bitmap(PAGE, 2n ** 28n + 8n, 0),
    bitmap(0, 8, 0),
    bitmap(2 * PAGE, 8, 0),
  ])('gives EINVAL, because nothing is tracked, for the bitmap %s', async (tail) => {
    const [, outcome, all] = await outcomesOf(ready(), [
      map(),
      unmap({ flags: GET_DIRTY, argsz: 48, tail }),
      unmapAll(),
    ]);
    expect(outcome).toEqual({ errno: 'EINVAL' });
    expect(removed(all!)).toBe(1);
  });
});

describe('UNMAP_DMA with the flag VADDR', () => {
  const invalidate = (iova: number, pages: number) => unmap({ flags: VADDR, ...pagesAt(iova, pages) });

  it('marks mappings, which stay, and tells the sum of their sizes', async () => {
    expect(await removedBy(3, [invalidate(10, 4), unmap(pagesAt(10, 4))])).toEqual([3, 3]);
    expect(await resultsOf([...ready(), ...three], [invalidate(10, 1), map(pagesAt(10, 1))])).toEqual([0, 'EEXIST']);
  });

  it('gives EINVAL for a mapping that is marked, and takes back what it had marked before it', async () => {
    expect(await removedBy(3, [invalidate(20, 1), invalidate(10, 11), invalidate(10, 4)])).toEqual([1, 'EINVAL', 3]);
  });

  it('of everything marks everything, once', async () => {
    const everything = unmap({ flags: VADDR | ALL, iova: 0, size: 0 });
    expect(await removedBy(3, [everything, everything, unmapAll(), everything])).toEqual([4, 'EINVAL', 4, 0]);
  });

  it('may not cut a mapping with type 3, and marks only what begins in the range with type 1', async () => {
    expect(await removedBy(3, [invalidate(13, 1)])).toEqual(['EINVAL']);
    expect(await removedBy(1, [invalidate(13, 9), invalidate(12, 1)])).toEqual([0, 2]);
  });
});
