import type { Backend, Mapping } from './state.ts';

const END = 1n << 64n;

/** First byte after a range. Where it is exactly 2^64, Linux computes 0, and ranges that end there behave accordingly. */
function wrappedEnd(iova: bigint, size: bigint): bigint {
  return (iova + size) % END;
}

/** Whether the last byte of a range lies below its first. */
export function wraps(first: bigint, size: bigint): boolean {
  return first + size > END;
}

/** The first mapping that overlaps a range; none where the range ends at 2^64. */
export function firstOverlap({ mappings }: Backend, iova: bigint, size: bigint): Mapping | undefined {
  const mapping = mappings[firstEndingAfter(mappings, iova)];
  return mapping && mapping.iova < wrappedEnd(iova, size) ? mapping : undefined;
}

/** All mappings that overlap a range, ascending. */
export function overlapping({ mappings }: Backend, iova: bigint, size: bigint): Mapping[] {
  const end = iova + size;
  const first = firstEndingAfter(mappings, iova);
  let last = first;
  while (last < mappings.length && mappings[last]!.iova < end) last++;
  return mappings.slice(first, last);
}

/** The mapping that contains an address. */
export function mappingAt({ mappings }: Backend, iova: bigint): Mapping | undefined {
  const mapping = mappings[firstEndingAfter(mappings, iova)];
  return mapping && mapping.iova <= iova ? mapping : undefined;
}

/** Adds a mapping that overlaps none. */
export function insertMapping({ mappings }: Backend, mapping: Mapping): void {
  mappings.splice(firstEndingAfter(mappings, mapping.iova), 0, mapping);
}

/** Takes out mappings that follow one another. */
export function removeMappings({ mappings }: Backend, gone: readonly Mapping[]): void {
  if (gone.length > 0) mappings.splice(firstEndingAfter(mappings, gone[0]!.iova), gone.length);
}

/** Index of the first mapping that ends after an address. */
function firstEndingAfter(mappings: readonly Mapping[], iova: bigint): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const mapping = mappings[middle]!;
    if (mapping.iova + mapping.size > iova) high = middle;
    else low = middle + 1;
  }
  return low;
}
