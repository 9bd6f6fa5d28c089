import type { TransferFault } from '../../../spec/uapi/vocabulary.ts';
import type { Caching } from './caching.ts';
import { type Level, type Table, topTable, walk } from './guest-table-walk.ts';
import type { PasidEntry, PasidTable } from './pasid-table.ts';
import { allows, type Hardware, type SecondStage, type Translation } from './translation.ts';
import { type FlushRange, pagesAt, TranslationCache } from './translation-cache.ts';

/** The part of an IOMMU that walks guest tables, through the mappings of one domain, and keeps what it found. */
export class NestedTranslation {
  private readonly iotlb = new TranslationCache<Translation>();
  /** Tables that entries lead to: kept at the level and for the addresses of the entry. */
  private readonly tables = new TranslationCache<Table>();
  private readonly pasids = new Map<PasidTable, Map<number, PasidEntry>>();

  constructor(private readonly secondStage: SecondStage) {}

  /** Translates a page (an address / 4096) of a request with a PASID from the device that the PASID table is for. */
  translate(
    hardware: Hardware,
    pasidTable: PasidTable,
    pasid: number,
    page: number,
    write: boolean,
  ): Translation | TransferFault {
    const { caching } = hardware;
    const entry = this.pasidEntry(caching, pasidTable, pasid);
    if (entry === undefined) return 'pasid_not_bound';
    if (!isCanonical(page, entry.levels)) return 'not_canonical';

    const kept = this.iotlb.get(pasid, 1, page);
    if (kept !== undefined && allows(kept, write) && caching.uses()) return kept;

    const found = this.find(hardware, entry, pasid, page, write);
    if (typeof found !== 'string' && caching.keeps()) this.iotlb.set(pasid, 1, page, found);
    return found;
  }

  /** Invalidates translations of addresses; with `leaf`, what was kept of tables above the last stays. */
  flushIotlb({ leaf = false, ...range }: FlushRange & { leaf?: boolean } = {}): void {
    this.iotlb.flush(range);
    if (!leaf) this.tables.flush(range);
  }

  /** Invalidates entries of PASID tables: all of them if none is named. A driver does this after it changed one. */
  flushPasidCache(pasid?: number): void {
    if (pasid === undefined) this.pasids.clear();
    else for (const kept of this.pasids.values()) kept.delete(pasid);
  }

  /** Invalidates everything. */
  flushAll(): void {
    this.flushIotlb();
    this.flushPasidCache();
  }

  private pasidEntry(caching: Caching, table: PasidTable, pasid: number): PasidEntry | undefined {
    let kept = this.pasids.get(table);
    const known = kept?.get(pasid);
    if (known !== undefined && caching.uses()) return known;
    const entry = table.get(pasid);
    if (entry === undefined || !caching.keeps()) return entry;
    if (kept === undefined) {
      kept = new Map();
      this.pasids.set(table, kept);
    }
    kept.set(pasid, entry);
    return entry;
  }

  /** Walks the tables, from the last one that is known if it will do. */
  private find(
    hardware: Hardware,
    entry: PasidEntry,
    pasid: number,
    page: number,
    write: boolean,
  ): Translation | TransferFault {
    const known = this.knownTable(hardware.caching, entry, pasid, page, write);
    if (known !== undefined) {
      const found = this.walkFrom(hardware, known, pasid, page, write);
      // What was kept does not suffice: the mapping of the table may allow more by now.
      if (found !== `table_${known.level}_not_writable`) return found;
    }
    const top = topTable(this.secondStage, entry);
    return typeof top === 'string' ? top : this.walkFrom(hardware, top, pasid, page, write);
  }

  /** The last table on the way to a page that was kept, and is used. */
  private knownTable(
    caching: Caching,
    { levels }: PasidEntry,
    pasid: number,
    page: number,
    write: boolean,
  ): Table | undefined {
    for (let level = 2; level <= levels; level++) {
      const table = this.tables.get(pasid, level, page);
      if (table !== undefined && (table.writable || !write) && caching.uses()) return table;
    }
    return undefined;
  }

  /** Walks, and keeps the tables on the way if it gets to the end. */
  private walkFrom(
    hardware: Hardware,
    from: Table,
    pasid: number,
    page: number,
    write: boolean,
  ): Translation | TransferFault {
    const passed: Table[] = [];
    const found = walk({ secondStage: this.secondStage, hardware }, from, page, write, (table) => passed.push(table));
    if (typeof found === 'string') return found;
    for (const table of passed) {
      if (hardware.caching.keeps()) this.tables.set(pasid, table.level + 1, page, table);
    }
    return found;
  }
}

/** Whether the upper bits of an address are what the last translated one is. */
function isCanonical(page: number, levels: Level): boolean {
  const half = pagesAt(levels + 1) / 2;
  return page < half || page >= 2 ** 52 - half;
}
