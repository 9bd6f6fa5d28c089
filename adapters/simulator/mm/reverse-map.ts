import type { Page } from './physical-memory.ts';
import type { UserMapping } from './user-mapping.ts';

/** Where a page frame is seen. */
interface Place {
  /** The one mapping of a private page, or what shared memory has. */
  readonly seenIn: { readonly mappings: readonly UserMapping[] };
  /** Place of the page there, in pages. */
  readonly index: number;
}

/**
 * From page frames to the mappings that show them (rmap, in Linux): of shared memory all, of private memory what has been
 * pinned, since nobody else stores through a frame.
 */
export class ReverseMap {
  private readonly places = new Map<Page, Place>();

  /** A page is seen, from now on, at a place. */
  add(page: Page, seenIn: Place['seenIn'], index: number): void {
    this.places.set(page, { seenIn, index });
  }

  /** A page is seen nowhere any more; if a mapping is given, then only if it was seen there alone. */
  remove(page: Page, mapping?: UserMapping): void {
    if (mapping === undefined || this.places.get(page)?.seenIn.mappings[0] === mapping) this.places.delete(page);
  }

  /** Where a page is seen; undefined if nowhere. */
  placeOf(page: Page): { mappings: readonly UserMapping[]; index: number } | undefined {
    const place = this.places.get(page);
    return place && { mappings: place.seenIn.mappings, index: place.index };
  }
}
