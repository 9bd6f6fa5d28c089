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
export function firstOverlap(backend: Backend, iova: bigint, size: bigint): Mapping | undefined {
  const end = wrappedEnd(iova, size);
  return backend.mappings.find((mapping) => mapping.iova < end && iova < mapping.iova + mapping.size);
}

/** All mappings that overlap a range, ascending. */
export function overlapping(backend: Backend, iova: bigint, size: bigint): Mapping[] {
  const end = iova + size;
  return backend.mappings.filter((mapping) => mapping.iova + mapping.size > iova && mapping.iova < end);
}

/** The mapping that contains an address. */
export function mappingAt(backend: Backend, iova: bigint): Mapping | undefined {
  let low = 0;
  let high = backend.mappings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const mapping = backend.mappings[middle]!;
    if (iova < mapping.iova) high = middle;
    else if (iova >= mapping.iova + mapping.size) low = middle + 1;
    else return mapping;
  }
  return undefined;
}

/** Adds a mapping that overlaps none. */
export function insertMapping(backend: Backend, mapping: Mapping): void {
  const at = backend.mappings.findIndex(({ iova }) => iova > mapping.iova);
  if (at < 0) backend.mappings.push(mapping);
  else backend.mappings.splice(at, 0, mapping);
}
