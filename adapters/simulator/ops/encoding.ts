import { toBigInt } from '../../../spec/uapi/integer.ts';
import type { Integer, Relocation } from '../../../spec/uapi/vocabulary.ts';
import type { UserMapping } from '../mm/user-mapping.ts';
import { unsupported } from '../result.ts';
import type { ProgramProcess } from './program-process.ts';

const DIGIT = new Uint8Array(128);
for (let i = 0; i < 16; i++) DIGIT[i.toString(16).charCodeAt(0)] = i;

/** Bytes of an op, ready to be stored. */
export function encode(
  process: ProgramProcess,
  hex: string,
  relocations: readonly Relocation[] | undefined,
): Uint8Array {
  const length = hex.length / 2;
  const encoded = new Uint8Array(length);
  for (let i = 0, digit = 0; i < length; i++, digit += 2) {
    encoded[i] = (DIGIT[hex.charCodeAt(digit)]! << 4) | DIGIT[hex.charCodeAt(digit + 1)]!;
  }
  if (relocations !== undefined) for (const relocation of relocations) relocate(process, encoded, relocation);
  return encoded;
}

/** Keeps which of the bytes just stored at `at` differ from run to run. */
export function markRelocations(mapping: UserMapping, at: number, relocations: readonly Relocation[]): void {
  for (const { at: from, width } of relocations) mapping.relocated.mark(at + from, at + from + width);
}

/** A 64-bit pattern as a number: exact up to 2^53, and beyond that still beyond everything that has a meaning. */
export function toNumber(integer: Integer): number {
  return typeof integer === 'number' && integer >= 0 ? integer : Number(toBigInt(integer));
}

/** A place in a file as the kernel takes it: negative from 2^63 on. Exact up to 2^53. */
export function toOffset(integer: Integer): number {
  return typeof integer === 'number' ? integer : Number(BigInt.asIntN(64, BigInt(integer)));
}

function relocate(process: ProgramProcess, encoded: Uint8Array, { at, width, ref, add }: Relocation): void {
  if (at + width > encoded.length) unsupported('a relocation behind the bytes that it belongs to');
  const named = process.named(ref);
  if (typeof named !== 'bigint' && (add === undefined || typeof add === 'number')) {
    const value = (typeof named === 'object' ? named.base : (named ?? -1)) + (add ?? 0);
    storeWord(encoded, at, value);
    if (width === 8) storeWord(encoded, at + 4, Math.floor(value / 2 ** 32));
    return;
  }
  const base = typeof named === 'object' ? named.base : (named ?? -1);
  const value = BigInt.asUintN(64, BigInt(base) + BigInt(add ?? 0));
  storeWord(encoded, at, Number(value & 0xffff_ffffn));
  if (width === 8) storeWord(encoded, at + 4, Number(value >> 32n));
}

function storeWord(encoded: Uint8Array, at: number, value: number): void {
  // The bit operators take any exact number modulo 2^32.
  encoded[at] = value;
  encoded[at + 1] = value >>> 8;
  encoded[at + 2] = value >>> 16;
  encoded[at + 3] = value >>> 24;
}
