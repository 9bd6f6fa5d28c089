import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  alloc,
  bind,
  container,
  type InvalidateFields,
  invalidate,
  repaired,
  unbind,
  using,
} from '../pasids/test-requests.ts';
import { dma, le, map, mmap, outcomesOf, PAGE, peek, poke, unmap } from '../test-programs.ts';

/** What requests flush, as a device shows whose guest table was changed. Which translations are kept is up to a seed. */

const TABLES = 0x20_0000;
const PAGES = 0x30_0000;
const OUT = 0x40_0000;
/** The guest's address is page 3 of the first 2 MiB. */
const ADDRESS = 0x3000;
const OLD = '11223344';
const NEW = '55667788';

const entry = (address: number) => le(address + 7, 8);
/** Memory `tables` is a table of each level and one more of the last; `pages` an old and a new page. */
const setup: Op[] = [
  ...container(),
  ...using(),
  mmap('tables', 5),
  mmap('pages', 2),
  mmap('out', 1),
  map({ memory: 'tables', iova: TABLES, size: 5 * PAGE }),
  map({ memory: 'pages', iova: PAGES, size: 2 * PAGE }),
  map({ memory: 'out', iova: OUT }),
  poke('tables', 0, '00'.repeat(5 * PAGE)),
  ...[0, 1, 2].map((i) => poke('tables', i * PAGE, entry(TABLES + (i + 1) * PAGE))),
  poke('tables', 3 * PAGE + 24, entry(PAGES)),
  poke('tables', 4 * PAGE + 24, entry(PAGES + PAGE)),
  poke('pages', 0, OLD),
  poke('pages', PAGE, NEW),
  alloc(),
  bind({ gpgd: TABLES }),
];
const use = dma('from-memory', ADDRESS, 4, 0, { pasid: 1 });
const changedPage = poke('tables', 3 * PAGE + 24, entry(PAGES + PAGE));
const changedTable = poke('tables', 2 * PAGE, entry(TABLES + 4 * PAGE));

/** What the device may read after it has used the address and more has happened, over many seeds. */
async function seen(ops: Op[], parameters: Record<string, string> = {}): Promise<Set<string>> {
  const found = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const stage = repaired({ ...parameters, cache_seed: String(seed) });
    const outcomes = await outcomesOf(
      [...setup, use],
      [...ops, use, dma('to-memory', OUT, 4), peek('out', 0, 4)],
      stage,
    );
    found.add(outcomes.at(-3)!.fault ?? outcomes.at(-1)!.bytes!);
  }
  return found;
}

const BOTH = new Set([OLD, NEW]);
const address: InvalidateFields = { granularity: 2, addr: ADDRESS };

describe('a page that a table leads to', () => {
  it.each<[string, InvalidateFields]>([
    ['its PASID', {}],
    ['all PASIDs', { granularity: 0 }],
    ['its address', address],
    ['its address, last entries only', { ...address, infoFlags: 5 }],
    ['addresses around it', { granularity: 2, addr: 0, granules: 4 }],
    ['misaligned addresses that begin in front of it', { granularity: 2, addr: 0x2800 }],
    ['misaligned addresses that end behind it', { granularity: 2, addr: 0x3800 }],
    ['three pages, the last of which it is', { granularity: 2, addr: 0x1000, granules: 3 }],
    ['three pages in front of it, rounded up to four', { granularity: 2, addr: 0, granules: 3 }],
    ['eight misaligned pages behind it', { granularity: 2, addr: 0x5000, granules: 8 }],
  ])('is the new one after a request for %s', async (_, fields) => {
    expect(await seen([changedPage, invalidate(fields)])).toEqual(new Set([NEW]));
  });

  it.each<[string, InvalidateFields]>([
    ['the device only', { cache: 2 }],
    ['the table of PASIDs only', { cache: 4 }],
    ['another address', { ...address, addr: 0x4000 }],
    ['another PASID', { pasid: 2 }],
  ])('may be either after a request for %s', async (_, fields) => {
    expect(await seen([changedPage, invalidate(fields)])).toEqual(BOTH);
  });

  it.each(['v10', 'v5.8', 'v5.9'])('is the new one after a request for its address to %s', async (driver) => {
    expect(await seen([changedPage, invalidate(address)], { driver })).toEqual(new Set([NEW]));
  });
});

describe('a table that another leads to', () => {
  it('is the new one after a request for the address, and may be either if that was for last entries only', async () => {
    expect(await seen([changedTable, invalidate(address)])).toEqual(new Set([NEW]));
    expect(await seen([changedTable, invalidate({ ...address, infoFlags: 5 })])).toEqual(BOTH);
  });
});

it('UNBIND leaves nothing', async () => {
  expect(await seen([unbind()])).toEqual(new Set(['pasid_not_bound']));
  expect(await seen([changedPage, unbind(), bind({ gpgd: TABLES })])).toEqual(new Set([NEW]));
});

it('UNMAP_DMA leaves nothing with unmap_flushes_nested=yes', async () => {
  const ops = [unmap({ iova: PAGES, size: 2 * PAGE })];
  expect(await seen(ops)).toEqual(new Set(['page_not_mapped']));
  expect(await seen(ops, { unmap_flushes_nested: 'no' })).toEqual(new Set([OLD, 'page_not_mapped']));
});
