/** Where a pread or pwrite goes: a region by its index, an offset into it, and where its bytes are in user memory. */
export interface Target {
  region: number;
  offset: number;
  address: bigint;
  /** Bytes asked for. */
  length: number;
}

/** One of the accesses that a transfer is cut into: none is wider than the bus, misaligned, or goes over into another capability. */
export interface Access {
  /** Bytes from the start of the region. */
  offset: number;
  width: number;
  /** Its bytes in user memory. */
  address: bigint;
}

/** An access that writes, with the bytes that it writes as far as the process may read them. */
export interface WriteAccess extends Access {
  bytes: Uint8Array;
  /** How many of them the process may read. */
  readable: number;
}
