const PAGE_SHIFT = 12n;
const PAGE_BYTES = 1n << PAGE_SHIFT;
const ADDRESSES = 1n << 64n;

/** Pages of 4 KiB that a number of bytes needs, rounded up to a power of two; one for none. */
export function pagesOf(bytes: bigint): bigint {
  const pages = (bytes + PAGE_BYTES - 1n) >> PAGE_SHIFT;
  return pages <= 1n ? 1n : 1n << BigInt((pages - 1n).toString(2).length);
}

/** Whether an address is a multiple of a number of pages, a power of two. */
export function isAligned(address: bigint, pages: bigint): boolean {
  return (address & (pages * PAGE_BYTES - 1n)) === 0n;
}

/** The pages around an address, aligned to their number, a power of two. */
export function pagesAround(address: bigint, pages: bigint): { first: bigint; pages: bigint } {
  return { first: (address >> PAGE_SHIFT) & ~(pages - 1n), pages };
}

/** The last byte of some from an address on. */
export function lastByte(address: bigint, bytes: bigint): bigint {
  return (address + (bytes === 0n ? PAGE_BYTES : bytes) - 1n) % ADDRESSES;
}
