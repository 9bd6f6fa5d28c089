import type { TransferFault } from '../../spec/uapi/vocabulary.ts';
import { type Page, wordOf } from './user-memory.ts';

/** Levels of a guest page table; 1 is the last. */
export type Level = 1 | 2 | 3 | 4 | 5;

/** A page of the host, and what devices may do with it. */
export interface HostPage {
  page: Page;
  read: boolean;
  write: boolean;
}

/** The second stage: the host page behind a guest physical address; undefined where nothing is mapped. */
export type SecondStage = (address: bigint) => HostPage | undefined;

/** Where a walk begins: at the root, or behind an entry that was cached. */
export interface WalkStart {
  level: Level;
  /** The table of that level; undefined if nothing is mapped there. */
  table: HostPage | undefined;
  /** All entries so far let the device write. */
  write: boolean;
}

/** An entry that was passed, and the table that it leads to. */
export interface PassedEntry {
  level: Level;
  next: WalkStart & { table: HostPage };
}

/** Accessed and dirty bits that a walk sets in an entry. */
export interface EntryUpdate {
  table: Page;
  /** Offset of the entry, in bytes. */
  at: number;
  bits: number;
}

/** What a walk comes to: a page or a fault, and either way what it has done to the tables. */
export interface Walk {
  /** The page, with the rights of both stages; to write only if the entry is dirty already, so that nothing has to be set. */
  found: HostPage | undefined;
  fault: TransferFault | undefined;
  updates: EntryUpdate[];
  /** Entries before the last, from the top. */
  passed: PassedEntry[];
}

const PRESENT = 0x1n;
const WRITABLE = 0x2n;
const USER = 0x4n;
/** Accessed and dirty: the low byte of an entry has both. */
export const ACCESSED = 0x20;
export const DIRTY = 0x40;
const LARGE = 0x80n;
const ADDRESS = 0x000f_ffff_ffff_f000n;
const PAGE_NUMBER = ~0xfffn;

/** How many bits of an address lie below what an entry of a level translates. */
export const bitsBelow = (level: Level): bigint => 12n + 9n * BigInt(level - 1);

/** Whether all bits of an address above those that a table translates are copies of the highest of these. */
export function isCanonical(address: bigint, levels: 4 | 5): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(levels === 5 ? 57 : 48, address)) === address;
}

/** Where a walk of a whole table begins. */
export function walkStart(root: bigint, levels: 4 | 5, secondStage: SecondStage): WalkStart {
  return { level: levels, table: secondStage(root & PAGE_NUMBER), write: true };
}

/** Translates a guest virtual address. Changes nothing: what the hardware sets in entries is returned as updates. */
export function walkGuestTable(address: bigint, writes: boolean, start: WalkStart, secondStage: SecondStage): Walk {
  const walk: Walk = { found: undefined, fault: undefined, updates: [], passed: [] };
  let { level, table, write } = start;
  for (;;) {
    if (!table?.read) return { ...walk, fault: `table_${level}_not_mapped` };
    const at = 8 * Number((address >> bitsBelow(level)) & 0x1ffn);
    const entry = entryAt(table.page, at, walk.updates);
    const last = isLast(entry, level);
    const fault = refusal(entry, level, writes);
    if (fault) return { ...walk, fault };
    const bits = (ACCESSED | (writes && last ? DIRTY : 0)) & ~Number(entry & 0xffn);
    if (bits !== 0) {
      if (!table.write) return { ...walk, fault: `table_${level}_not_writable` };
      walk.updates.push({ table: table.page, at, bits });
    }
    write &&= (entry & WRITABLE) !== 0n;
    if (last) {
      const found = secondStage(translated(entry, level, address));
      if (!found) return { ...walk, fault: 'page_not_mapped' };
      if (writes && !found.write) return { ...walk, fault: 'page_not_writable' };
      if (!writes && !found.read) return { ...walk, fault: 'page_not_readable' };
      const dirty = writes || (entry & BigInt(DIRTY)) !== 0n;
      return { ...walk, found: { ...found, write: found.write && write && dirty } };
    }
    const next = secondStage(entry & ADDRESS);
    const below = (level - 1) as Level;
    if (next) walk.passed.push({ level, next: { level: below, table: next, write } });
    table = next;
    level = below;
  }
}

/** An entry, with what the walk itself has set in it: a table can be its own successor. */
function entryAt(table: Page, at: number, updates: readonly EntryUpdate[]): bigint {
  let entry = (BigInt(wordOf(table, at + 4)) << 32n) | BigInt(wordOf(table, at));
  for (const update of updates) if (update.table === table && update.at === at) entry |= BigInt(update.bits);
  return entry;
}

/** Whether an entry names a page. */
function isLast(entry: bigint, level: Level): boolean {
  return level === 1 || (level <= 3 && (entry & LARGE) !== 0n);
}

/** Why an entry does not let a transfer through. */
function refusal(entry: bigint, level: Level, writes: boolean): TransferFault | undefined {
  if ((entry & PRESENT) === 0n) return `level_${level}_not_present`;
  if ((entry & reserved(entry, level)) !== 0n) return `level_${level}_reserved_bits`;
  if ((entry & USER) === 0n) return `level_${level}_supervisor`;
  if (writes && (entry & WRITABLE) === 0n) return `level_${level}_not_writable`;
  return undefined;
}

/** Bits that must be 0. In an entry that names a large page, bit 12 is a memory type. */
function reserved(entry: bigint, level: Level): bigint {
  if (level >= 4) return LARGE;
  if (level === 1 || !isLast(entry, level)) return 0n;
  return (1n << bitsBelow(level)) - (1n << 13n);
}

/** Guest physical address of the 4 KiB page of an address that a last entry translates. */
function translated(entry: bigint, level: Level, address: bigint): bigint {
  const inside = (1n << bitsBelow(level)) - 1n;
  return ((entry & ADDRESS & ~inside) | (address & inside)) & PAGE_NUMBER;
}
