import type { Actor, Name, Op } from '../../../spec/uapi/vocabulary.ts';
import { busMaster, dmaIn, dmaOut, map, memory as mmap, pattern, unmap } from '../../programs/build.ts';
import { entry, guestTables } from '../../programs/guest-tables.ts';
import { taggedIn, taggedOut } from '../../programs/nesting-ops.ts';

/** Guest physical address of all memory of a guest; what is where in it, in pages. */
const BASE = 0x10000;
const TABLES = 4;
const pageA = 2 * TABLES;
const pageB = pageA + 1;
const scratch = pageB + 1;
const PAGES = scratch + 1;
const at = (page: number): number => page * 4096;

/** An address of the guest that its first table leads to page A, and its second one to page B. */
export const GUEST = 0x3000;
/** Bytes that a device holds and that are written nowhere else, and where they and what it reads are in its buffer. */
const SEAL = 16;
const SEAL_AT = 64;
/** Where in a page what devices write begins. */
const WRITTEN = 0x800;

/** Memory of a guest with two tables, and ops on it: what one container maps. */
export interface IsolationGuest {
  /** Roots of the two tables. */
  first: number;
  second: number;
  /** Makes the memory and gives it to the container. */
  ops: Op[];
  /** Leads the address to page B, too, or nowhere. */
  redirect: Op;
  clear: Op;
  /** Takes page A from the container, or puts page B in its place. */
  unmapPage: Op[];
  replacePage: Op[];
}

/** The guest of a container, in a memory of its own; `seed` makes its bytes differ from those of others. */
export function isolationGuestOf(container: Name, memory: Name, seed: number): IsolationGuest {
  const tables = (page: number, to: number) =>
    guestTables({ memory, at: at(page), base: BASE + at(page), pages: [{ address: GUEST, to: BASE + at(to) }] });
  const [first, second] = [tables(0, pageA), tables(TABLES, pageB)];
  const unmapPage = [unmap(container, BASE + at(pageA), 1)];
  return {
    first: BASE,
    second: BASE + at(TABLES),
    ops: [
      // Shared, so that a fork leaves it where it is.
      mmap(memory, PAGES, { backing: 'shared', fill: 'untouched' }),
      ...first.ops,
      ...second.ops,
      pattern(memory, at(pageA), 8, seed + 1),
      pattern(memory, at(pageB), 8, seed + 2),
      pattern(memory, at(scratch), SEAL, seed + 3),
      // Mapped in parts, so that page A can go alone.
      map(container, BASE, memory, 0, pageA),
      map(container, BASE + at(pageA), memory, at(pageA), 1),
      map(container, BASE + at(pageB), memory, at(pageB), PAGES - pageB),
    ],
    redirect: first.change(GUEST, 1, BigInt(BASE + at(pageB)) | entry.open),
    clear: first.change(GUEST, 1, 0n),
    unmapPage,
    replacePage: [...unmapPage, map(container, BASE + at(pageA), memory, at(pageB), 1)],
  };
}

/** Lets a device transfer, and gives it bytes to write. */
export const arm = (device: Name): Op[] => [...busMaster(device), dmaIn(device, BASE + at(scratch), SEAL, SEAL_AT)];

/**
 * What a device reaches at the guest's address with a PASID, or without one: it reads, writes what it has read to a place
 * that is the probe's own, where it can be seen, and writes what it was given to another. `number` is the probe's.
 */
export function probeIsolation(device: Name, pasid: Name | undefined, number: number, actor?: Actor): Op[] {
  const shown = BASE + at(scratch) + WRITTEN + 8 * number;
  const written = GUEST + WRITTEN + 8 * number;
  const transfers = pasid
    ? [taggedIn(device, { ref: pasid }, GUEST, 8), taggedOut(device, { ref: pasid }, written, 8, SEAL_AT)]
    : [dmaIn(device, GUEST, 8), dmaOut(device, written, 8, SEAL_AT)];
  const ops = [transfers[0]!, dmaOut(device, shown, 8), transfers[1]!];
  return actor === undefined ? ops : ops.map((op) => ({ ...op, actor }));
}
