import type { TransferFault } from '../../../spec/uapi/vocabulary.ts';
import { Direction } from '../mm/direction.ts';
import { type Page, requireMemory } from '../mm/physical-memory.ts';
import type { PasidEntry } from './pasid-table.ts';
import type { Hardware, SecondStage, Translation } from './translation.ts';
import { pagesAt } from './translation-cache.ts';

/** Levels of a guest table, 1 the last. */
export type Level = 1 | 2 | 3 | 4 | 5;

/** Bits of an entry. */
const Bit = { PRESENT: 0x01, WRITABLE: 0x02, USER: 0x04, ACCESSED: 0x20, DIRTY: 0x40, LARGE: 0x80 } as const;
const ENTRY_BYTES = 8;
const ENTRIES = 512;
/** The last level at which an entry can stand for a large page, of 1 GiB. */
const LARGEST: Level = 3;

/** A table that a walk has come to. */
export interface Table {
  level: Level;
  frame: Page;
  /** Whether the mappings of the container let entries of it be changed. */
  changeable: boolean;
  /** Whether every entry on the way to it allows writing. */
  writable: boolean;
}

/** The first table of a walk. */
export function topTable(secondStage: SecondStage, { root, levels }: PasidEntry): Table | TransferFault {
  return tableAt(secondStage, Number(root >> 12n), levels, true);
}

/**
 * Translates a page from a table on, and marks the entries on its way as accessed, the last as dirty for a write. Reports
 * each table behind the first that it comes to.
 */
export function walk(
  { secondStage, hardware }: { secondStage: SecondStage; hardware: Hardware },
  from: Table,
  page: number,
  write: boolean,
  comesTo: (table: Table) => void,
): Translation | TransferFault {
  for (let table = from; ; comesTo(table)) {
    const { level, frame } = table;
    const at = (Math.floor(page / pagesAt(level)) % ENTRIES) * ENTRY_BYTES;
    const low = word(frame, at);
    const target = (word(frame, at + 4) % 2 ** 20) * 2 ** 20 + Math.floor(low / 2 ** 12);
    const large = level > 1 && (low & Bit.LARGE) !== 0;

    if (!(low & Bit.PRESENT)) return `level_${level}_not_present`;
    // Bit 12 of a large page selects a memory type.
    if (large && (level > LARGEST || target % pagesAt(level) > 1)) return `level_${level}_reserved_bits`;
    if (!(low & Bit.USER)) return `level_${level}_supervisor`;
    if (write && !(low & Bit.WRITABLE)) return `level_${level}_not_writable`;

    const last = large || level === 1;
    const marks = Bit.ACCESSED | (last && write ? Bit.DIRTY : 0);
    if ((low & marks) !== marks) {
      if (!table.changeable) return `table_${level}_not_writable`;
      hardware.journal.beforeFrameStore(frame, at, 1);
      hardware.physical.bytesOf(frame)[at]! |= marks;
    }

    const writable = table.writable && (low & Bit.WRITABLE) !== 0;
    if (last) {
      const inside = page % pagesAt(level);
      const dirty = ((low | marks) & Bit.DIRTY) !== 0;
      return pageAt(secondStage, target - (target % pagesAt(level)) + inside, write, writable && dirty);
    }
    const next = tableAt(secondStage, target, (level - 1) as Level, writable);
    if (typeof next === 'string') return next;
    table = next;
  }
}

function tableAt(secondStage: SecondStage, guestPage: number, level: Level, writable: boolean): Table | TransferFault {
  const frame = secondStage.translate(guestPage, Direction.READ);
  if (frame === undefined) return `table_${level}_not_mapped`;
  requireMemory(frame);
  return { level, frame, changeable: secondStage.translate(guestPage, Direction.WRITE) !== undefined, writable };
}

function pageAt(
  secondStage: SecondStage,
  guestPage: number,
  write: boolean,
  writable: boolean,
): Translation | TransferFault {
  const page = secondStage.lookUp(guestPage);
  if (page === undefined) return 'page_not_mapped';
  const readable = secondStage.translate(guestPage, Direction.READ) !== undefined;
  const mayWrite = secondStage.translate(guestPage, Direction.WRITE) !== undefined;
  if (write && !mayWrite) return 'page_not_writable';
  if (!write && !readable) return 'page_not_readable';
  return { page, allowed: (readable ? Direction.READ : 0) | (mayWrite && writable ? Direction.WRITE : 0) };
}

function word(frame: Page, at: number): number {
  return (frame.load(at) | (frame.load(at + 1) << 8) | (frame.load(at + 2) << 16) | (frame.load(at + 3) << 24)) >>> 0;
}
