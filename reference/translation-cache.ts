import { bitsBelow, type HostPage, type PassedEntry, type WalkStart } from './guest-page-walk.ts';

/** What to forget: everything, or only what belongs to a PASID, and of that only a range of addresses. */
export interface Flush {
  pasid?: number;
  /** First address and number of 4 KiB pages. */
  first?: bigint;
  pages?: bigint;
  /** Entries that are not the last of a walk stay. */
  leaf?: boolean;
}

/** A translation of some address, whose bits below those that it translates do not count. */
interface Remembered {
  pasid: number;
  /** The address without the bits below. */
  prefix: bigint;
  /** Number of the bits below. */
  below: bigint;
}

interface RememberedPage extends Remembered {
  found: HostPage;
}

interface RememberedEntry extends Remembered {
  next: WalkStart & { table: HostPage };
}

const PAGE_BITS = 12n;

/**
 * Translations of tagged transfers that an IOMMU or a device may remember. Nobody sees which of them it does: each may be
 * used, and may be gone.
 */
export class TranslationCache {
  #pages: RememberedPage[] = [];
  #entries: RememberedEntry[] = [];

  /** Forgets what a request covers. */
  flush({ pasid, first, pages = 1n, leaf = false }: Flush): void {
    const stays = (one: Remembered) =>
      (pasid !== undefined && one.pasid !== pasid) ||
      (first !== undefined && !overlaps(one, first, first + (pages << PAGE_BITS)));
    this.#pages = this.#pages.filter(stays);
    if (!leaf) this.#entries = this.#entries.filter(stays);
  }

  /** May remember the page of an address. */
  addPage(pasid: number, address: bigint, found: HostPage): void {
    if (!this.pages(pasid, address).some((known) => same(known, found)))
      this.#pages.push({ pasid, prefix: address >> PAGE_BITS, below: PAGE_BITS, found });
  }

  /** May remember an entry that the walk of an address has passed. */
  addEntry(pasid: number, address: bigint, { level, next }: PassedEntry): void {
    const known = this.entries(pasid, address).some(
      (one) => one.level === next.level && one.write === next.write && same(one.table, next.table),
    );
    const below = bitsBelow(level);
    if (!known) this.#entries.push({ pasid, prefix: address >> below, below, next });
  }

  /** The pages that an address may be remembered to have. */
  pages(pasid: number, address: bigint): HostPage[] {
    return this.#pages.filter((one) => covers(one, pasid, address)).map(({ found }) => found);
  }

  /** Where the walk of an address may begin other than at the root. */
  entries(pasid: number, address: bigint): (WalkStart & { table: HostPage })[] {
    return this.#entries.filter((one) => covers(one, pasid, address)).map(({ next }) => next);
  }
}

function covers(one: Remembered, pasid: number, address: bigint): boolean {
  return one.pasid === pasid && address >> one.below === one.prefix;
}

/** Whether a translation is of an address in [first, end). */
function overlaps({ prefix, below }: Remembered, first: bigint, end: bigint): boolean {
  return prefix << below < end && (prefix + 1n) << below > first;
}

function same(a: HostPage, b: HostPage): boolean {
  return a.page === b.page && a.read === b.read && a.write === b.write;
}
