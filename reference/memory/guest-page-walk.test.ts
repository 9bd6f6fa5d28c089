import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type HostPage,
  isCanonical,
  type SecondStage,
  type Walk,
  walkGuestTable,
  walkStart,
} from './guest-page-walk.ts';
import { PAGE, type Page } from './user-memory.ts';

/** What the guest has: host pages full of entries, and which of them each guest physical page is. */
interface Guest {
  /** Host page -> index -> entry. */
  tables: Record<number, bigint>[];
  /** Guest physical page -> host page and rights. */
  mapped: ({ host: number; read: boolean; write: boolean } | undefined)[];
}

/** What comes of a walk, and the tables afterwards. */
interface Result {
  fault: string | undefined;
  host: number | undefined;
  rights: string | undefined;
  tables: Record<number, bigint>[];
}

const text = (value: bigint) => value.toString(2).padStart(64, '0');
const number = (bits: string) => BigInt(`0b${bits}`);
/** Bits high..low of a number, as text. */
const cut = (value: bigint, high: number, low: number) => text(value).slice(63 - high, 64 - low);

/** The page of the documentation, read aloud: bits are characters, and memory changes as the walk goes on. */
function naive({ tables, mapped }: Guest, root: bigint, levels: number, address: bigint, writes: boolean): Result {
  const after = tables.map((table) => ({ ...table }));
  const end = (fault: string): Result => ({ fault, host: undefined, rights: undefined, tables: after });
  const behind = (frame: bigint) => (frame < BigInt(mapped.length) ? mapped[Number(frame)] : undefined);
  let frame = root / 4096n;
  let mayWrite = true;
  for (let level = levels; ; level--) {
    const low = 3 + 9 * level;
    const table = behind(frame);
    if (!table?.read) return end(`table_${level}_not_mapped`);
    const index = Number(number(cut(address, low + 8, low)));
    const entry = after[table.host]![index] ?? 0n;
    const bit = (n: number) => cut(entry, n, n) === '1';
    if (!bit(0)) return end(`level_${level}_not_present`);
    const large = bit(7) && (level === 2 || level === 3);
    if (bit(7) && level > 3) return end(`level_${level}_reserved_bits`);
    if (large && cut(entry, low - 1, 13).includes('1')) return end(`level_${level}_reserved_bits`);
    if (!bit(2)) return end(`level_${level}_supervisor`);
    if (writes && !bit(1)) return end(`level_${level}_not_writable`);
    mayWrite = mayWrite && bit(1);
    const last = large || level === 1;
    const missing = [bit(5) ? 0n : 32n, writes && last && !bit(6) ? 64n : 0n].reduce((a, b) => a + b);
    if (missing > 0n && !table.write) return end(`table_${level}_not_writable`);
    if (missing > 0n) after[table.host]![index] = entry + missing;
    frame = number(cut(entry, 51, 12));
    if (!last) continue;
    if (large) frame = number(cut(entry, 51, low) + cut(address, low - 1, 12));
    const page = behind(frame);
    if (!page) return end('page_not_mapped');
    if (writes && !page.write) return end('page_not_writable');
    if (!writes && !page.read) return end('page_not_readable');
    const clean = !writes && !bit(6);
    const rights = `${page.read ? 'r' : ''}${page.write && mayWrite && !clean ? 'w' : ''}`;
    return { fault: undefined, host: page.host, rights, tables: after };
  }
}

const page = (): Page => ({
  bytes: new Uint8Array(PAGE),
  fill: 0,
  untouched: false,
  watched: false,
  device: false,
  changes: undefined,
  relocated: undefined,
});

/** The guest in the model's memory. */
class Model {
  readonly pages: Page[];
  readonly secondStage: SecondStage;

  constructor({ tables, mapped }: Guest) {
    this.pages = tables.map((table) => {
      const one = page();
      const view = new DataView(one.bytes!.buffer);
      for (const [index, entry] of Object.entries(table)) view.setBigUint64(8 * Number(index), entry, true);
      return one;
    });
    this.secondStage = (address): HostPage | undefined => {
      expect(address % 4096n).toBe(0n);
      const found = address / 4096n < BigInt(mapped.length) ? mapped[Number(address / 4096n)] : undefined;
      return found && { page: this.pages[found.host]!, read: found.read, write: found.write };
    };
  }

  walk(root: bigint, levels: 4 | 5, address: bigint, writes: boolean): Walk {
    return walkGuestTable(address, writes, walkStart(root, levels, this.secondStage), this.secondStage);
  }

  /** Sets the bits that a walk tells. */
  apply({ updates }: Walk): void {
    for (const { table, at, bits } of updates) table.bytes![at]! |= bits;
  }

  result({ fault, found }: Walk): Result {
    const tables = this.pages.map(({ bytes }) => {
      const view = new DataView(bytes!.buffer);
      const entries: Record<number, bigint> = {};
      for (let i = 0; i < 512; i++) {
        const entry = view.getBigUint64(8 * i, true);
        if (entry !== 0n) entries[i] = entry;
      }
      return entries;
    });
    const rights = found && `${found.read ? 'r' : ''}${found.write ? 'w' : ''}`;
    return { fault, host: found && this.pages.indexOf(found.page), rights, tables };
  }
}

const HOST_PAGES = 4;
const GUEST_PAGES = 8;
const mostly = (percent: number) => fc.integer({ min: 0, max: 99 }).map((n) => n < percent);
const set = (bit: number, percent: number) => mostly(percent).map((yes) => (yes ? 1n << BigInt(bit) : 0n));
const sum = (...parts: fc.Arbitrary<bigint>[]) => fc.tuple(...parts).map((all) => all.reduce((a, b) => a | b, 0n));

/** Present, writable, user, accessed, dirty, large, a memory type, an ignored bit, and where it leads to. */
const entry = sum(
  set(0, 97),
  set(1, 85),
  set(2, 97),
  set(5, 50),
  set(6, 50),
  set(7, 10),
  set(12, 3),
  set(16, 1),
  set(63, 20),
  fc.integer({ min: 0, max: GUEST_PAGES }).map((frame) => BigInt(frame) << 12n),
);
const indexes = [0, 1, 511];
const table = fc.tuple(entry, entry, entry).map((entries) => {
  const filled = Object.fromEntries(indexes.map((index, i) => [index, entries[i]!]));
  return Object.fromEntries(Object.entries(filled).filter(([, value]) => value !== 0n));
});
const guest: fc.Arbitrary<Guest> = fc.record({
  tables: fc.array(table, { minLength: HOST_PAGES, maxLength: HOST_PAGES }),
  mapped: fc.array(
    fc
      .record({ host: fc.nat(HOST_PAGES - 1), read: mostly(97), write: mostly(90) })
      .chain((one) => mostly(95).map((there) => (there ? one : undefined))),
    { minLength: GUEST_PAGES, maxLength: GUEST_PAGES },
  ),
});
const levels = fc.constantFrom<4 | 5>(4, 5);
const address = fc
  .tuple(fc.array(fc.constantFrom(...indexes), { minLength: 5, maxLength: 5 }), fc.nat(4095))
  .map(([path, offset]) => path.reduce((sofar, index) => (sofar << 9n) | BigInt(index), 0n) * 4096n + BigInt(offset));
const root = fc.integer({ min: 0, max: GUEST_PAGES * 4096 }).map(BigInt);

test('a walk comes to what the documentation says, whatever the tables', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(guest, root, levels, address, fc.boolean(), (guest, root, levels, address, writes) => {
      const model = new Model(guest);
      const walk = model.walk(root, levels, address, writes);
      model.apply(walk);
      const expected = naive(guest, root, levels, address, writes);
      seen.add((expected.fault ?? 'found').replace(/\d/, 'N'));
      expect(model.result(walk)).toEqual(expected);
    }),
    { numRuns: 4000, seed: 1 },
  );
  expect([...seen].sort()).toEqual([
    'found',
    'level_N_not_present',
    'level_N_not_writable',
    'level_N_reserved_bits',
    'level_N_supervisor',
    'page_not_mapped',
    'page_not_readable',
    'page_not_writable',
    'table_N_not_mapped',
    'table_N_not_writable',
  ]);
});

test('a walk that goes on behind an entry that it passed comes to the same page with the same rights', () => {
  let continued = 0;
  fc.assert(
    fc.property(guest, root, levels, address, fc.boolean(), (guest, root, levels, address, writes) => {
      const model = new Model(guest);
      const walk = model.walk(root, levels, address, writes);
      if (walk.fault) return;
      model.apply(walk);
      for (const { level, next } of walk.passed) {
        const { found, updates } = walkGuestTable(address, writes, next, model.secondStage);
        const same =
          found?.page === walk.found!.page && found.read === walk.found!.read && found.write === walk.found!.write;
        expect([next.level, same, updates.length]).toEqual([level - 1, true, 0]);
        continued++;
      }
    }),
    { numRuns: 2000, seed: 2 },
  );
  expect(continued).toBeGreaterThan(100);
});

test('an address is canonical if its upper bits are copies of bit 47 with four levels and of bit 56 with five', () => {
  const edges: [bigint, boolean, boolean][] = [
    [0n, true, true],
    [0x7fff_ffff_ffffn, true, true],
    [0x8000_0000_0000n, false, true],
    [0xff_ffff_ffff_ffffn, false, true],
    [0x100_0000_0000_0000n, false, false],
    [0xfeff_ffff_ffff_ffffn, false, false],
    [0xff00_0000_0000_0000n, false, true],
    [0xffff_7fff_ffff_ffffn, false, true],
    [0xffff_8000_0000_0000n, true, true],
    [0xffff_ffff_ffff_ffffn, true, true],
    [0x1_0000_0000_0000_0000n, false, false],
  ];
  for (const [address, four, five] of edges) {
    expect([address, isCanonical(address, 4), isCanonical(address, 5)]).toEqual([address, four, five]);
  }
});
