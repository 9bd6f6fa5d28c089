import { expect, test } from 'vitest';
import { unmap } from '../conformance/programs/build.ts';
import { entry } from '../conformance/programs/guest-tables.ts';
import type { InvalidationScope } from './memory/translation-cache.ts';
import { Bench, dma, FIRST, PASID, RAM, SECOND, tables } from './test-dma-with-pasid.ts';

const OTHER_TABLE = FIRST + 0x20_0000;
/** Where tables are, without the bits of the entries that lead to them. */
const behind = (address: number, level: number) => tables.value(address, level) & ~0xfffn;

/** The first page is read, and then belongs to the second page's memory. */
function stale(): Bench {
  const bench = new Bench();
  expect(bench.read(FIRST).byte).toBe(1);
  bench.run(tables.change(FIRST, 1, BigInt(RAM + 0x1000) | entry.open | entry.accessed));
  return bench;
}

test('nothing is left open where the old and the new are the same', () => {
  const bench = new Bench();
  for (let i = 0; i < 3; i++) {
    bench.read(FIRST);
    bench.run(dma('to-memory', SECOND), dma('from-memory', SECOND - 8));
  }
  expect(bench.ways).toEqual([]);
});

test.each([
  [0, 2],
  [1, 1],
])('way %i of a page that was moved reads page %i', (way, byte) => {
  const bench = stale();
  bench.way = way;
  expect(bench.read(FIRST).byte).toBe(byte);
  expect(bench.ways).toEqual([2]);
});

test('a translation that faulted is not remembered', () => {
  const bench = new Bench();
  bench.run(tables.change(FIRST, 1, 0n));
  bench.read(FIRST);
  bench.run(tables.change(FIRST, 1, tables.value(FIRST, 1)));
  expect(bench.read(FIRST).byte).toBe(1);
  expect(bench.ways).toEqual([]);
});

test('a page that is gone may be read on, or fault', () => {
  const bench = new Bench();
  bench.read(FIRST);
  bench.run(tables.change(FIRST, 1, 0n));
  expect(bench.read(FIRST)).toEqual({ byte: 0, fault: 'level_1_not_present' });
  bench.way = 1;
  expect(bench.read(FIRST)).toEqual({ byte: 1, fault: undefined });
});

test('a page that was read while clean is walked again for a write', () => {
  const bench = stale();
  expect(bench.run(dma('to-memory', FIRST)).changed.map(({ memory }) => memory)).toEqual(['tables', 'ram']);
  expect(bench.ways).toEqual([]);
});

test('memory of the container may be reached after it was unmapped', () => {
  const bench = new Bench();
  bench.read(FIRST);
  bench.run(unmap('c', RAM, 3));
  expect(bench.read(FIRST)).toEqual({ byte: 0, fault: 'page_not_mapped' });
  bench.way = 1;
  expect(bench.read(FIRST)).toEqual({ byte: 1, fault: undefined });
});

test.each<[string, InvalidationScope | undefined, InvalidationScope | undefined, boolean]>([
  ['of both, of the PASID', { pasid: PASID }, { pasid: PASID }, false],
  ['of both, of everything', {}, {}, false],
  [
    'of both, of the page, last entries',
    { pasid: PASID, first: BigInt(FIRST), pages: 1n, leaf: true },
    { pasid: PASID },
    false,
  ],
  ['of both, of another page', { first: BigInt(SECOND), pages: 4n, leaf: true }, { pasid: PASID }, true],
  ['of both, of another PASID', { pasid: 8 }, { pasid: 8 }, true],
  ['of the IOMMU alone', {}, undefined, true],
  ['of the device alone', undefined, {}, true],
])('a flush %s', (_, iommu, device, open) => {
  const bench = stale();
  if (iommu) bench.flushIommu(iommu);
  if (device) bench.device.tlb.flush(device);
  expect(bench.read(FIRST).byte).toBe(2);
  expect(bench.ways).toEqual(open ? [2] : []);
});

test.each<[string, InvalidationScope, boolean]>([
  ['of last entries', { pasid: PASID, leaf: true }, true],
  ['of the page that was read', { pasid: PASID, first: BigInt(FIRST), pages: 1n }, false],
  ['of another page of the same table', { pasid: PASID, first: BigInt(SECOND), pages: 1n }, false],
  ['of a page of another table', { pasid: PASID, first: BigInt(OTHER_TABLE), pages: 1n }, true],
])('an entry that leads to another table, and a flush %s', (_, flush, open) => {
  const bench = new Bench();
  bench.read(FIRST);
  bench.run(tables.change(FIRST, 2, behind(OTHER_TABLE, 2) | entry.open));
  bench.flushIommu(flush);
  bench.device.tlb.flush({});
  bench.way = 1;
  const { byte } = bench.read(SECOND);
  expect([byte, bench.ways]).toEqual(open ? [2, [2]] : [0, []]);
});
