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

/** Bytes as lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Bytes from hexadecimal. */
export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
