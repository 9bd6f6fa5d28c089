import sorted from 'sorted-btree';

const { default: BTree } = sorted;

const END = 1n << 64n;

/** First byte after a range. Where it is exactly 2^64, Linux computes 0, and ranges that end there behave accordingly. */
function wrappedEnd(iova: bigint, size: bigint): bigint {
  return (iova + size) % END;
}

/** Whether the last byte of a range lies below its first. */
export function wraps(first: bigint, size: bigint): boolean {
  return first + size > END;
}

/** Addresses in bytes. */
interface Range {
  iova: bigint;
  size: bigint;
}

/** The mappings of a type1 backend, of which no two overlap, ascending by I/O virtual address. */
export class MappingList<Mapping extends Range> {
  private readonly byIova = new BTree<bigint, Mapping>(undefined, byAddress);

  constructor(mappings: Iterable<Mapping> = []) {
    for (const mapping of mappings) this.insert(mapping);
  }

  [Symbol.iterator](): IterableIterator<Mapping> {
    return this.byIova.values();
  }

  get size(): number {
    return this.byIova.size;
  }

  /** The mapping that contains an address. */
  at(iova: bigint): Mapping | undefined {
    const mapping = this.byIova.getPairOrNextLower(iova)?.[1];
    return mapping && mapping.iova + mapping.size > iova ? mapping : undefined;
  }

  /** The first mapping that overlaps a range; none where the range ends at 2^64. */
  firstOverlap(iova: bigint, size: bigint): Mapping | undefined {
    const mapping = this.at(iova) ?? this.byIova.nextHigherPair(iova)?.[1];
    return mapping && mapping.iova < wrappedEnd(iova, size) ? mapping : undefined;
  }

  /** All mappings that overlap a range, ascending. */
  overlapping(iova: bigint, size: bigint): Mapping[] {
    return this.byIova.getRange(this.at(iova)?.iova ?? iova, iova + size).map(([, mapping]) => mapping);
  }

  /** Adds a mapping that overlaps none. */
  insert(mapping: Mapping): void {
    this.byIova.set(mapping.iova, mapping);
  }

  remove({ iova }: Mapping): void {
    this.byIova.delete(iova);
  }
}

const byAddress = (one: bigint, other: bigint): number => (one < other ? -1 : one > other ? 1 : 0);
