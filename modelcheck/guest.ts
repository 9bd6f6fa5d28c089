import { map, memory as mmap, pattern, unmap } from '../conformance/programs/build.ts';
import { entry, guestTables } from '../conformance/programs/guest-tables.ts';
import type { Name, Op } from '../spec/uapi/vocabulary.ts';

/** Guest physical address of all memory of a guest; what is where in it, in pages. */
const BASE = 0x10000;
const TABLE_PAGES = 4;
const pageA = 2 * TABLE_PAGES;
const pageB = pageA + 1;
const scratch = pageB + 1;
const PAGES = scratch + 1;
const at = (page: number): number => page * 4096;

/** Two neighbouring pages of the guest: its first table leads them to the pages A and B, its second one to B and A. */
export const ADDRESSES = [0x3000n, 0x4000n] as const;

/** Bytes of a transfer that is half in the one page and half in the other. */
export const ACROSS = { iova: ADDRESSES[1] - 8n, length: 16 };

/** Roots of the two tables. */
export const ROOTS = { first: BASE, second: BASE + at(TABLE_PAGES) } as const;

/** Where devices write what they have read, so that it can be seen. */
export const SCRATCH = BASE + at(scratch);
const SCRATCH_BYTES = 128;

/** All entries have been used before, so that no walk has to set anything. */
const used = entry.open | entry.accessed | entry.dirty;

/** Memory of a guest with two tables and two pages, and what is done to it. */
export interface Guest {
  memory: Name;
  /** Makes the memory and gives it to the container. */
  ops: Op[];
  /** Leads the first address to page A, as it was at first, or to page B, without any flush. */
  lead: { a: Op; b: Op };
  /** Takes page A from the container, and gives it back. */
  unmapPage: Op;
  mapPage: Op;
  /** Byte of the memory that has the page of the first address in its entry. */
  firstEntry: number;
  /** Names of its pages by their number. */
  pages: string[];
}

/** The guest of a container, in a memory of its own; `seed` makes its bytes differ from those of others. */
export function guestOf(container: Name, memory: Name, seed: number): Guest {
  const tables = (page: number, to: [number, number]) =>
    guestTables({
      memory,
      at: at(page),
      base: BASE + at(page),
      pages: ADDRESSES.map((address, i) => ({ address, to: BASE + at(to[i]!), bits: used })),
      tableBits: used,
    });
  const first = tables(0, [pageA, pageB]);
  const second = tables(TABLE_PAGES, [pageB, pageA]);
  const marked = (page: number, mark: number): Op[] => [
    pattern(memory, at(page), 8, mark),
    pattern(memory, at(page) + 4088, 8, mark),
  ];
  const mapPage = map(container, BASE + at(pageA), memory, at(pageA), 1);
  return {
    memory,
    ops: [
      // Shared, so that a fork leaves it where it is.
      mmap(memory, PAGES, { backing: 'shared', fill: 'untouched' }),
      ...first.ops,
      ...second.ops,
      ...marked(pageA, seed + 1),
      ...marked(pageB, seed + 2),
      // Bytes that nothing else writes: what a device stores there changes them.
      { op: 'poke', memory, at: at(scratch), bytes: 'ee'.repeat(SCRATCH_BYTES) },
      // Mapped in parts, so that page A can go alone.
      map(container, BASE, memory, 0, pageA),
      mapPage,
      map(container, BASE + at(pageB), memory, at(pageB), PAGES - pageB),
    ],
    lead: {
      a: first.change(ADDRESSES[0], 1, BigInt(BASE + at(pageA)) | used),
      b: first.change(ADDRESSES[0], 1, BigInt(BASE + at(pageB)) | used),
    },
    unmapPage: unmap(container, BASE + at(pageA), 1),
    mapPage,
    firstEntry: first.place(ADDRESSES[0], 1) + 1,
    pages: [
      ...Array.from(
        { length: pageA },
        (_, page) => `${page < TABLE_PAGES ? 'first' : 'second'} table, page ${page % TABLE_PAGES}`,
      ),
      'page A',
      'page B',
      'scratch',
    ],
  };
}
