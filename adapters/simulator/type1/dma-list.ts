import sorted from 'sorted-btree';
import type { AddressSpace } from '../mm/address-space.ts';
import type { DirtyBitmap } from './dirty-bitmap.ts';

const { default: BTree } = sorted;

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
  private readonly byIova = new BTree<number, Dma>(undefined, byNumber);

  /** All, ascending. */
  [Symbol.iterator](): IterableIterator<Dma> {
    return this.byIova.values();
  }

  /** Those that end after a page, ascending. */
  endingAfter(page: number): IterableIterator<Dma> {
    return this.byIova.values(this.at(page)?.iova ?? page);
  }

  /** The mapping that holds a page. */
  at(page: number): Dma | undefined {
    const dma = this.byIova.getPairOrNextLower(page)?.[1];
    return dma !== undefined && dma.iova + dma.count > page ? dma : undefined;
  }

  /** The last of all. */
  get last(): Dma | undefined {
    const iova = this.byIova.maxKey();
    return iova === undefined ? undefined : this.byIova.get(iova);
  }

  /**
   * A mapping that overlaps a range. The end of a range up to the last page of all comes out as 0, and nothing lies
   * below 0: such a range overlaps nothing.
   */
  overlapping(first: number, count: number): Dma | undefined {
    const end = (first + count) % ALL_PAGES;
    const dma = this.at(first) ?? this.byIova.nextHigherPair(first)?.[1];
    return dma !== undefined && dma.iova < end ? dma : undefined;
  }

  insert(dma: Dma): void {
    this.byIova.set(dma.iova, dma);
  }

  remove({ iova }: Dma): void {
    this.byIova.delete(iova);
  }
}

/** Whether a range has an end inside of a mapping. */
export function cuts(dmas: DmaList, iova: number, count: number): boolean {
  const last = iova + count - 1;
  const atFirst = dmas.at(iova);
  if (atFirst !== undefined && atFirst.iova !== iova) return true;
  const atLast = dmas.at(last);
  return atLast !== undefined && atLast.iova + atLast.count - 1 !== last;
}

const byNumber = (one: number, other: number): number => one - other;
