/** What a flush covers. */
export interface FlushRange {
  /** All PASIDs if absent. */
  pasid?: number;
  /** First page of 4 KiB: an address / 4096, modulo 2^52. All addresses if absent. */
  first?: bigint;
  /** How many pages; one if absent. */
  pages?: bigint;
}

interface Kept<T> {
  /** Pages that the translation is for, the last one inclusive. */
  first: number;
  last: number;
  value: T;
}

/** Pages of 4 KiB that one entry of a table covers at a level, 1 being the last. */
export function pagesAt(level: number): number {
  return 512 ** (level - 1);
}

/** Translations that hardware keeps, by PASID, level and the address bits that select an entry there. */
export class TranslationCache<T> {
  private readonly byPasid = new Map<number, Map<string, Kept<T>>>();

  get(pasid: number, level: number, page: number): T | undefined {
    return this.byPasid.get(pasid)?.get(keyOf(level, page))?.value;
  }

  set(pasid: number, level: number, page: number, value: T): void {
    let kept = this.byPasid.get(pasid);
    if (kept === undefined) {
      kept = new Map();
      this.byPasid.set(pasid, kept);
    }
    const first = page - (page % pagesAt(level));
    kept.set(keyOf(level, page), { first, last: first + pagesAt(level) - 1, value });
  }

  /** Removes every translation that is for any of the pages. */
  flush({ pasid, first, pages = 1n }: FlushRange = {}): void {
    if (first === undefined) {
      if (pasid === undefined) this.byPasid.clear();
      else this.byPasid.delete(pasid);
      return;
    }
    const start = Number(first);
    const end = Number(first + pages);
    for (const kept of pasid === undefined ? this.byPasid.values() : [this.byPasid.get(pasid)]) {
      for (const [key, at] of kept ?? []) if (at.first < end && at.last >= start) kept!.delete(key);
    }
  }
}

function keyOf(level: number, page: number): string {
  return `${level}:${Math.floor(page / pagesAt(level))}`;
}
