import { expect, test } from 'vitest';
import type { HostPage, Level } from './guest-page-walk.ts';
import { type InvalidationScope, TranslationCache } from './translation-cache.ts';

const host = (fill: number): HostPage => ({
  page: {
    bytes: undefined,
    fill,
    untouched: false,
    watched: false,
    device: false,
    changes: undefined,
    relocated: undefined,
  },
  read: true,
  write: true,
});

const one = host(1);
const TABLE = 0x1000n * 512n;
/** The first page of a table at level 1 other than the first, the page after it, one of another table, and a high one. */
const addresses = [TABLE, TABLE + 0x1000n, 4n * TABLE, 0xffff_ffff_ffff_f000n];

/** A cache that may remember everything about all addresses of two PASIDs. */
function full(): TranslationCache {
  const cache = new TranslationCache();
  for (const pasid of [1, 2]) {
    for (const address of addresses) {
      cache.addPage(pasid, address, one);
      for (const level of [2, 3, 4] as Level[])
        cache.addEntry(pasid, address, { level, next: { level: (level - 1) as Level, table: one, write: true } });
    }
  }
  return cache;
}

/** For each PASID and address: whether the page may be remembered, and tables of which levels. */
function contents(cache: TranslationCache): string[] {
  return [1, 2].map((pasid) =>
    addresses
      .map((address) => {
        const levels = cache
          .entries(pasid, address)
          .map(({ level }) => level)
          .sort();
        return `${cache.pages(pasid, address).length}:${levels.join('')}`;
      })
      .join(' '),
  );
}

const everything = '1:123 1:123 1:123 1:123';
const nothing = '0: 0: 0: 0:';

test.each<[string, InvalidationScope, string, string]>([
  ['everything', {}, nothing, nothing],
  ['a PASID', { pasid: 1 }, nothing, everything],
  ['the last entries of a PASID', { pasid: 1, leaf: true }, '0:123 0:123 0:123 0:123', everything],
  ['a page', { pasid: 1, first: TABLE, pages: 1n }, '0: 1: 1:1 1:123', everything],
  [
    'a page, and no entry above it',
    { pasid: 1, first: TABLE, pages: 1n, leaf: true },
    '0:123 1:123 1:123 1:123',
    everything,
  ],
  ['two pages', { pasid: 1, first: TABLE, pages: 2n }, '0: 0: 1:1 1:123', everything],
  ['the page before', { pasid: 1, first: TABLE - 0x1000n, pages: 1n }, '1:1 1:1 1:1 1:123', everything],
  ['an address inside a page', { pasid: 1, first: TABLE + 0xfffn, pages: 1n }, '0: 0: 1:1 1:123', everything],
  ['the last page of all', { pasid: 1, first: 0xffff_ffff_ffff_f000n, pages: 1n }, '1:123 1:123 1:123 0:', everything],
  ['another PASID', { pasid: 3 }, everything, everything],
])('a flush of %s', (_, flush, first, second) => {
  const cache = full();
  expect(contents(cache)).toEqual([everything, everything]);
  cache.flush(flush);
  expect(contents(cache)).toEqual([first, second]);
});

test('the old and the new translation of an address are both kept, and each of them once', () => {
  const cache = new TranslationCache();
  const two = host(2);
  for (const found of [one, two, one, { ...one, write: false }]) cache.addPage(1, 0x1fffn, found);
  expect(cache.pages(1, 0x1000n)).toEqual([one, two, { ...one, write: false }]);
  expect(cache.pages(1, 0x2000n)).toEqual([]);
  for (const table of [one, two, one]) cache.addEntry(1, 0x1000n, { level: 2, next: { level: 1, table, write: true } });
  expect(cache.entries(1, 0x1f_ffffn).map(({ table }) => table)).toEqual([one, two]);
  expect(cache.entries(1, 0x20_0000n)).toEqual([]);
});
