import type { Integer } from './vocabulary.ts';

/** The value of an integer of the vocabulary, as a 64-bit pattern (0 to 2^64-1). */
export function toBigInt(integer: Integer): bigint {
  return BigInt.asUintN(64, BigInt(integer));
}

/** The way the vocabulary writes a 64-bit value: a number up to 2^31, a hexadecimal string above. */
export function fromBigInt(value: bigint): Integer {
  return value >= -0x8000_0000n && value <= 0x8000_0000n
    ? Number(value)
    : `0x${BigInt.asUintN(64, value).toString(16)}`;
}

const twoDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Bytes as lower-case hexadecimal. */
export function toHex(bytes: ArrayLike<number>): string {
  let hex = '';
  for (let i = 0; i < bytes.length; i++) hex += twoDigits[bytes[i]!];
  return hex;
}

/** Bytes from hexadecimal: an even number of digits, of either case. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = (digitValue(hex.charCodeAt(2 * i)) << 4) | digitValue(hex.charCodeAt(2 * i + 1));
  return bytes;
}

/** In ASCII the low four bits of 0 to 9 are the value; A to F and a to f go on from 1, and have bit 6 set. */
function digitValue(character: number): number {
  return (character & 0xf) + (character >> 6) * 9;
}
