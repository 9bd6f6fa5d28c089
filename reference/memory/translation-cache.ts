import { bitsBelow, type HostPage, type Level, type PassedEntry } from './guest-page-walk.ts';

/** What to invalidate: everything, or only what belongs to a PASID, and of that only a range of addresses. */
export interface InvalidationScope {
  pasid?: number;
  /** First address and number of 4 KiB pages. */
  first?: bigint;
  pages?: bigint;
  /** Entries that are not the last of a walk stay. */
  leaf?: boolean;
}

/** What is cached of addresses by their bits above those that it translates. */
class Shelf<Translation> {
  private readonly below: bigint;
  /** By PASID and the bits above. */
  private readonly kept = new Map<number, Map<bigint, Translation[]>>();

  constructor(below: bigint) {
    this.below = below;
  }

  at(pasid: number, address: bigint): readonly Translation[] {
    return this.kept.get(pasid)?.get(address >> this.below) ?? [];
  }

  add(pasid: number, address: bigint, one: Translation): void {
    let ofPasid = this.kept.get(pasid);
    if (!ofPasid) {
      ofPasid = new Map();
      this.kept.set(pasid, ofPasid);
    }
    const above = address >> this.below;
    const known = ofPasid.get(above);
    if (known) known.push(one);
    else ofPasid.set(above, [one]);
  }

  /** Looks at everything that is kept, with its PASID and the address where what it translates begins. */
  forEach(look: (pasid: number, address: bigint, one: Translation) => void): void {
    for (const [pasid, ofPasid] of this.kept)
      for (const [above, kept] of ofPasid) for (const one of kept) look(pasid, above << this.below, one);
  }

  copy(one: (translation: Translation) => Translation): Shelf<Translation> {
    const copy = new Shelf<Translation>(this.below);
    for (const [pasid, ofPasid] of this.kept)
      copy.kept.set(pasid, new Map([...ofPasid].map(([above, kept]) => [above, kept.map(one)])));
    return copy;
  }

  flush({ pasid, first, pages = 1n }: InvalidationScope): void {
    for (const [owner, ofPasid] of this.kept) {
      if (pasid !== undefined && owner !== pasid) continue;
      if (first === undefined) this.kept.delete(owner);
      else for (const above of ofPasid.keys()) if (this.overlaps(above, first, pages)) ofPasid.delete(above);
    }
  }

  /** Whether bits above are those of an address in a range. */
  private overlaps(above: bigint, first: bigint, pages: bigint): boolean {
    return above << this.below < first + (pages << PAGE_BITS) && (above + 1n) << this.below > first;
  }
}

type Entry = PassedEntry['next'];

const PAGE_BITS = 12n;

/**
 * Translations for DMA with a PASID that an IOMMU or a device may have cached. Nobody sees which of them it does: each may be
 * used, and may be gone.
 */
export class TranslationCache {
  private cachedPages: Shelf<HostPage> | undefined;
  /** By the level of the entry. */
  private cachedEntries: Map<Level, Shelf<Entry>> | undefined;

  /** Invalidates what a request covers. */
  flush(what: InvalidationScope): void {
    this.cachedPages?.flush(what);
    if (!what.leaf) for (const shelf of this.cachedEntries?.values() ?? []) shelf.flush(what);
  }

  /** May cache the page of an address. */
  addPage(pasid: number, address: bigint, found: HostPage): void {
    this.cachedPages ??= new Shelf(PAGE_BITS);
    if (!this.cachedPages.at(pasid, address).some((known) => same(known, found)))
      this.cachedPages.add(pasid, address, found);
  }

  /** May cache an entry that the walk of an address has passed. */
  addEntry(pasid: number, address: bigint, { level, next }: PassedEntry): void {
    this.cachedEntries ??= new Map();
    let shelf = this.cachedEntries.get(level);
    if (!shelf) {
      shelf = new Shelf(bitsBelow(level));
      this.cachedEntries.set(level, shelf);
    }
    const known = shelf.at(pasid, address).some((one) => one.write === next.write && same(one.table, next.table));
    if (!known) shelf.add(pasid, address, next);
  }

  /** The pages that may be cached for an address. */
  pages(pasid: number, address: bigint): readonly HostPage[] {
    return this.cachedPages?.at(pasid, address) ?? [];
  }

  /** Everything that may be cached. */
  translations(): CachedTranslation[] {
    const all: CachedTranslation[] = [];
    this.cachedPages?.forEach((pasid, address, host) => {
      all.push({ pasid, address, level: 1, host });
    });
    for (const [level, shelf] of this.cachedEntries ?? [])
      shelf.forEach((pasid, address, { table }) => {
        all.push({ pasid, address, level, host: table });
      });
    return all;
  }

  /** The same in a world of its own; `page` gives the copy of a page. */
  copy(page: (page: HostPage['page']) => HostPage['page']): TranslationCache {
    const copy = new TranslationCache();
    const host = (one: HostPage): HostPage => ({ ...one, page: page(one.page) });
    copy.cachedPages = this.cachedPages?.copy(host);
    copy.cachedEntries =
      this.cachedEntries &&
      new Map(
        [...this.cachedEntries].map(([level, shelf]) => [
          level,
          shelf.copy((entry) => ({ ...entry, table: host(entry.table) })),
        ]),
      );
    return copy;
  }

  /** Where the walk of an address may begin other than at the root. */
  entries(pasid: number, address: bigint): Entry[] {
    return [...(this.cachedEntries?.values() ?? [])].flatMap((shelf) => shelf.at(pasid, address));
  }
}

/** A translation that may be cached: of a page, or of an entry of some level that is not the last. */
export interface CachedTranslation {
  pasid: number;
  /** Where what it translates begins. */
  address: bigint;
  /** 1 for a page. */
  level: Level;
  host: HostPage;
}

function same(a: HostPage, b: HostPage): boolean {
  return a.page === b.page && a.read === b.read && a.write === b.write;
}
