/**
 * Buffers of this length are used again: a world lives for a few microseconds, and making them is a tenth of what judging costs.
 * They outlive every world, and nothing of a world is left in them that anybody reads: the one thing here that no object owns.
 */
const LENGTH = 4096;
const spare: Uint8Array[] = [];

/** A buffer of so many bytes; what it holds is left over from its last use. */
export function takeBytes(length: number): Uint8Array {
  return (length === LENGTH ? spare.pop() : undefined) ?? new Uint8Array(length);
}

/** Gives a buffer up for others to use; nobody must use it afterwards. */
export function giveBack(bytes: Uint8Array): void {
  if (bytes.length === LENGTH) spare.push(bytes);
}

/** A buffer with the same bytes. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = takeBytes(bytes.length);
  copy.set(bytes);
  return copy;
}
