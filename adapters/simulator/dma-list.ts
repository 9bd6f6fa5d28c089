import type { AddressSpace } from './address-space.ts';
import type { DirtyBitmap } from './dirty-bitmap.ts';

/** Pages of a 64-bit address space. Page numbers stay exact in a number, sums of two of them too. */
export const ALL_PAGES = 2 ** 52;

/** A mapping that user space asked for. Addresses and sizes are in pages. */
export interface Dma {
  readonly iova: number;
  vaddr: number;
  /** Grows while the mapping is being made. */
  count: number;
  /** Bits of Direction. */
  readonly allowed: number;
  /** Whose memory it was made in, and who pays for it. */
  mm: AddressSpace;
  /** The owner may lock more than its limit. */
  exempt: boolean;
  lockedPages: number;
  vaddrInvalid: boolean;
  /** Which pages devices have written, while that is tracked. */
  dirty: DirtyBitmap | undefined;
}

/** The mappings of a backend, in order of their I/O virtual addresses; no two overlap. */
export class DmaList {
  readonly entries: Dma[] = [];

  /** The mapping that holds a page. */
  at(page: number): Dma | undefined {
    const dma = this.entries[this.firstEndingAfter(page)];
    return dma !== undefined && dma.iova <= page ? dma : undefined;
  }

  /**
   * A mapping that overlaps a range. The end of a range up to the last page of all comes out as 0, and nothing lies
   * below 0: such a range overlaps nothing.
   */
  overlapping(first: number, count: number): Dma | undefined {
    const end = (first + count) % ALL_PAGES;
    const dma = this.entries[this.firstEndingAfter(first)];
    return dma !== undefined && dma.iova < end ? dma : undefined;
  }

  /** Index of the first mapping that ends after a page. */
  firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const dma = this.entries[middle]!;
      if (dma.iova + dma.count > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  insert(dma: Dma): void {
    const { entries } = this;
    if (entries.length === 0 || entries[entries.length - 1]!.iova < dma.iova) entries.push(dma);
    else entries.splice(this.placeOf(dma), 0, dma);
  }

  remove(dma: Dma): void {
    if (this.entries[this.entries.length - 1] === dma) this.entries.pop();
    else this.entries.splice(this.placeOf(dma), 1);
  }

  /** Index of the first mapping that begins where one does, or behind. */
  private placeOf({ iova }: Dma): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.iova >= iova) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
