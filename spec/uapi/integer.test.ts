import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBigInt, fromHex, toBigInt, toHex } from './integer.ts';
import { validator } from './validator.ts';

const integer = validator('program.schema.json#/$defs/integer');
const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  // Where the two ways of writing meet, and the ends.
  fc.constantFrom(
    0n,
    1n,
    0x7fff_ffffn,
    0x8000_0000n,
    0x8000_0001n,
    0xffff_ffffn,
    1n << 32n,
    1n << 63n,
    (1n << 64n) - 1n,
  ),
);

describe('integers of the vocabulary', () => {
  test('come back as they were written, and fit their schema', () => {
    fc.assert(
      fc.property(uint64, (value) => {
        const written = fromBigInt(value);
        expect(toBigInt(written)).toBe(value);
        expect(integer(written), String(written)).toBe(true);
      }),
    );
  });

  test('are numbers up to 2^31 and hexadecimal strings above', () => {
    fc.assert(
      fc.property(uint64, (value) => {
        expect(typeof fromBigInt(value)).toBe(value <= 0x8000_0000n ? 'number' : 'string');
      }),
    );
    expect(fromBigInt(0x8000_0000n)).toBe(0x8000_0000);
    expect(fromBigInt(0x8000_0001n)).toBe('0x80000001');
  });

  test('below zero stand for the 64-bit pattern', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -0x8000_0000n, max: -1n }), (value) => {
        expect(fromBigInt(value)).toBe(Number(value));
        expect(toBigInt(fromBigInt(value))).toBe((1n << 64n) + value);
      }),
    );
    expect(toBigInt(-1)).toBe(0xffff_ffff_ffff_ffffn);
  });
});

describe('bytes of the vocabulary', () => {
  test('come back as they were written, in lower case, two digits each', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const hex = toHex(bytes);
        expect(hex).toMatch(/^([0-9a-f]{2})*$/);
        expect(hex.length).toBe(bytes.length * 2);
        expect([...fromHex(hex)]).toEqual([...bytes]);
      }),
    );
    expect(toHex(Uint8Array.of(0, 0x0a, 0xff))).toBe('000aff');
  });

  test('of a part of a buffer are those of the part', () => {
    const whole = Uint8Array.of(1, 2, 3, 4);
    expect(toHex(whole.subarray(1, 3))).toBe('0203');
  });
});
