import type { Name, Op } from '../../spec/uapi/vocabulary.ts';
import { memory } from './build.ts';

/** Bits of an entry of a guest page table. */
export const entry = {
  present: 0x1n,
  writable: 0x2n,
  user: 0x4n,
  accessed: 0x20n,
  dirty: 0x40n,
  large: 0x80n,
  /** What a device needs to read and write. */
  open: 0x7n,
} as const;

const PAGE = 4096;

/** Size of a guest page: the level of the table whose entry names it. */
export type PageLevel = 1 | 2 | 3;

/** Bytes of a guest page by its level: 4 KiB, 2 MiB, 1 GiB. */
export const pageBytes: Record<PageLevel, bigint> = { 1: 1n << 12n, 2: 1n << 21n, 3: 1n << 30n };

/** A page of the guest: which address it has for the device, and where the guest believes it to be. */
export interface GuestPage {
  address: number | bigint;
  /** Guest physical address: what the container maps. */
  to: number | bigint;
  /** Default 1: a page of 4 KiB. */
  level?: PageLevel;
  /** Bits of its last entry; default `entry.open`. */
  bits?: bigint;
}

/** Where guest page tables are, and what they translate. */
export interface GuestTableLayout {
  /** Memory that holds them, zero from byte `at` on; default 0. */
  memory: Name;
  at?: number;
  /** Guest physical address of that byte. */
  base: number | bigint;
  levels?: 4 | 5;
  pages: GuestPage[];
  /** Bits of the entries on the way; default `entry.open`. */
  tableBits?: bigint;
}

/** Guest page tables as ops that store them. */
export interface GuestTables {
  /** Address of the root table for BIND. */
  root: bigint;
  levels: 4 | 5;
  /** Pages that the tables take. */
  count: number;
  /** Stores all entries. */
  ops: Op[];
  /** Where in the memory the entry of a level is that a walk for an address meets. */
  place(address: number | bigint, level: number): number;
  /** What was stored there at first. */
  value(address: number | bigint, level: number): bigint;
  /** Stores another entry there. */
  change(address: number | bigint, level: number, value: bigint): Op;
}

/** Memory for guest tables: pages of zeros. */
export const tableMemory = (as: Name, pages: number): Op => memory(as, pages, { fill: 'untouched' });

/** Builds tables: the root in the first page, and others in the order in which the pages need them. */
export function guestTables(layout: GuestTableLayout): GuestTables {
  const { memory: name, at = 0, base, levels = 4, pages, tableBits = entry.open } = layout;
  const entries = new Map<number, bigint>();
  /** Page of a table by its level and the address bits above. */
  const tables = new Map<string, number>();
  const tableOf = (address: bigint, level: number): number => {
    const key = `${level}:${level === levels ? 0n : bitsAbove(address, level)}`;
    if (!tables.has(key)) tables.set(key, tables.size);
    return tables.get(key)!;
  };
  const physical = (table: number): bigint => BigInt(base) + BigInt(table) * BigInt(PAGE);
  const offset = (address: bigint, level: number): number =>
    at + tableOf(address, level) * PAGE + indexOf(address, level) * 8;
  tableOf(0n, levels);
  for (const page of pages) {
    const { level: last = 1, to, bits = entry.open } = page;
    const address = BigInt(page.address);
    for (let level: number = levels; level > last; level--)
      entries.set(offset(address, level), physical(tableOf(address, level - 1)) | tableBits);
    entries.set(offset(address, last), BigInt(to) | bits | (last === 1 ? 0n : entry.large));
  }
  const count = tables.size;
  const place = (address: number | bigint, level: number): number => {
    const found = offset(BigInt.asUintN(64, BigInt(address)), level);
    if (tables.size > count) throw new Error(`no table of level ${level} is on the way to ${address.toString(16)}`);
    return found;
  };
  const store = (where: number, value: bigint): Op => ({
    op: 'poke',
    memory: name,
    at: where,
    bytes: eightBytes(value),
  });
  return {
    root: BigInt(base),
    levels,
    count,
    ops: [...entries].map(([where, value]) => store(where, value)),
    place,
    value: (address, level) => entries.get(place(address, level)) ?? 0n,
    change: (address, level, value) => store(place(address, level), value),
  };
}

const indexOf = (address: bigint, level: number): number => Number((address >> BigInt(3 + 9 * level)) & 511n);

/** What of an address distinguishes tables of a level. */
const bitsAbove = (address: bigint, level: number): bigint => BigInt.asUintN(57, address) >> BigInt(12 + 9 * level);

function eightBytes(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.toString('hex');
}
