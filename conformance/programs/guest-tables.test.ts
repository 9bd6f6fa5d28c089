import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PokeOp } from '../../spec/uapi/vocabulary.ts';
import { entry, type GuestPage, guestTables, type PageLevel, pageBytes } from './guest-tables.ts';

const BASE = 0x100000;
const AT = 0x2000;

/** Memory after the ops: entries by where they are. */
function entriesOf(ops: ReturnType<typeof guestTables>['ops']): Map<number, bigint> {
  return new Map(
    (ops as PokeOp[]).map(({ at, bytes }) => [at, BigInt(`0x${Buffer.from(bytes, 'hex').reverse().toString('hex')}`)]),
  );
}

/** Walks as the architecture says: nine bits of the address a level, from the top. */
function translate(entries: Map<number, bigint>, root: bigint, levels: number, address: bigint): bigint | undefined {
  let table = root;
  for (let level = levels; level > 0; level--) {
    const shift = BigInt(12 + 9 * (level - 1));
    const index = (address / (1n << shift)) % 512n;
    const value = entries.get(Number(table - BigInt(BASE) + index * 8n) + AT);
    if (value === undefined) return undefined;
    const size = 1n << shift;
    if (level === 1 || value & entry.large) return (value & ~0xfffn) + (address % size);
    table = value & ~0xfffn;
  }
  return undefined;
}

const pages = (levels: 4 | 5): fc.Arbitrary<GuestPage[]> =>
  fc
    .uniqueArray(
      fc.record({
        gigabyte: fc.bigInt(0n, (1n << BigInt(levels * 9 - 19)) - 1n),
        large: fc.bigInt(0n, 511n),
        small: fc.bigInt(0n, 511n),
        to: fc.bigInt(0n, 255n),
        level: fc.constantFrom<PageLevel>(1, 1, 2, 3),
      }),
      // Pages of different sizes never share a gigabyte.
      { maxLength: 6, selector: ({ gigabyte }) => gigabyte },
    )
    .map((all) =>
      all.map(({ gigabyte, large, small, to, level }) => ({
        address:
          gigabyte * pageBytes[3] + (level < 3 ? large * pageBytes[2] : 0n) + (level < 2 ? small * pageBytes[1] : 0n),
        to: to * pageBytes[level],
        level,
      })),
    );

test.each([4, 5] as const)(
  'tables of %i levels lead each address to its page, and no other address anywhere',
  (levels) => {
    fc.assert(
      fc.property(pages(levels), (all) => {
        const tables = guestTables({ memory: 'tables', at: AT, base: BASE, levels, pages: all });
        const entries = entriesOf(tables.ops);
        for (const { address, to, level = 1 } of all) {
          const inside = pageBytes[level] - 0x123n;
          expect(translate(entries, tables.root, levels, BigInt(address) + inside)).toBe(BigInt(to) + inside);
          expect(entries.get(tables.place(address, level))).toBe(tables.value(address, level));
        }
        for (const at of entries.keys()) expect(at).toBeLessThan(AT + tables.count * 4096);
        const leaves = [...entries.values()].filter((value) => value & entry.large).length;
        expect(leaves).toBe(all.filter(({ level }) => level !== 1).length);
      }),
    );
  },
);

test('the upper half of the addresses has entries of its own', () => {
  const high = (1n << 64n) - 0x1000n;
  const tables = guestTables({
    memory: 'tables',
    base: BASE,
    pages: [
      { address: 0x1000, to: 0x5000 },
      { address: high, to: 0x6000 },
    ],
  });
  expect(tables.value(high, 1)).toBe(0x6000n | entry.open);
  expect(tables.place(high, 4)).toBe(511 * 8);
  expect(tables.count).toBe(7);
});

test('a change stores an entry in the place of the first one', () => {
  const tables = guestTables({ memory: 'tables', base: BASE, pages: [{ address: 0x1000, to: 0x5000 }] });
  expect(tables.change(0x1000, 1, 0x1234n)).toMatchObject({ op: 'poke', at: 3 * 4096 + 8, bytes: '3412000000000000' });
});

test('where no table is there is no entry to change', () => {
  const tables = guestTables({ memory: 'tables', base: BASE, pages: [{ address: 0x1000, to: 0x5000 }] });
  expect(() => tables.change(1n << 40n, 1, 0n)).toThrow(/no table of level 1/);
});
