import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Direction } from '../mm/direction.ts';
import { SeededCaching } from './caching.ts';
import { translateWithPasid } from './request-with-pasid.ts';
import { A, D, LARGE, never, P, TestMachine, U, W } from './test-machine.ts';

/**
 * Guest tables that are changed at random, and flushed at random. What the hardware may answer is worked out here from
 * all that it may have kept: without caching that is one answer. Entries are accessed and dirty from the beginning, so
 * that walks change nothing.
 */

/** Pages with tables: two of each level from 4 down to 1, the roots first. */
const tablePages = (level: number) => [0x200 + 2 * level, 0x201 + 2 * level];
/** Where large pages of the host begin; what lies behind them is mapped as far as addresses reach. */
const BASE = 0x4_0000;
/** Pages within an address that are used: entry 0 or 1 of each table. */
const ADDRESSES = Array.from({ length: 16 }, (_, bits) =>
  [0, 1, 2, 3].reduce((page, i) => page + ((bits >> i) & 1) * 512 ** i, 0),
);
const PASIDS = [5, 6];

/** What a walk found: the page or the fault, and whether a write may use it if it is kept. */
interface Found {
  answer: string;
  writable: boolean;
}
/** A table that may be kept. */
interface KeptTable {
  page: number;
  writable: boolean;
}

class Model {
  /** Translations that may be kept by the IOMMU, by PASID and page; and by the device. */
  readonly iotlb = new Map<string, Found[]>();
  readonly device = new Map<string, Found[]>();
  /** Tables that may be kept, by PASID, level of the table and first page that it translates. */
  readonly tables = new Map<string, KeptTable[]>();

  constructor(private readonly machine: TestMachine) {}

  /** Every answer that is right for a request; it may be kept from now on. */
  request(pasid: number, page: number, write: boolean): Set<string> {
    const passed: [string, KeptTable][] = [];
    const root = { page: tablePages(4)[PASIDS.indexOf(pasid)]!, writable: true };
    const walked = [this.walk(root, 4, pasid, page, write, passed)];
    for (const level of [1, 2, 3]) {
      for (const table of this.tables.get(tableKey(pasid, level, page)) ?? []) {
        if (table.writable || !write) walked.push(this.walk(table, level, pasid, page, write, passed));
      }
    }
    const key = `${pasid} ${page}`;
    const kept = [...(this.iotlb.get(key) ?? []), ...(this.device.get(key) ?? [])];
    const found = [...walked, ...kept.filter(({ writable }) => writable || !write)];
    for (const table of passed) add(this.tables, ...table);
    for (const one of found) {
      if (one.answer.startsWith('page ')) for (const cache of [this.iotlb, this.device]) add(cache, key, one);
    }
    return new Set(found.map(({ answer }) => answer));
  }

  /** Walks as the documentation says, on entries as they are now. */
  private walk(
    from: KeptTable,
    top: number,
    pasid: number,
    page: number,
    write: boolean,
    passed: [string, KeptTable][],
  ): Found {
    let { page: table, writable } = from;
    for (let level = top; ; level--) {
      const entry = this.machine.entry(table, Math.floor(page / 512 ** (level - 1)) % 512);
      const fault = (what: string) => ({ answer: `level_${level}_${what}`, writable: false });
      if (!(entry & P)) return fault('not_present');
      const large = level > 1 && (entry & LARGE) !== 0n;
      const target = Number((entry >> 12n) & 0xff_ffff_ffffn);
      if (large && level === 4) return fault('reserved_bits');
      if (!(entry & U)) return fault('supervisor');
      if (write && !(entry & W)) return fault('not_writable');
      writable &&= (entry & W) !== 0n;
      if (level === 1 || large) return { answer: `page ${target + (page % 512 ** (level - 1))}`, writable };
      table = target;
      passed.push([tableKey(pasid, level - 1, page), { page: table, writable }]);
    }
  }
}

/** A table of a level translates all pages with the same address bits above it. */
const tableKey = (pasid: number, level: number, page: number) => `${pasid} ${level} ${Math.floor(page / 512 ** level)}`;

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const known = map.get(key) ?? [];
  if (!known.some((one) => JSON.stringify(one) === JSON.stringify(value))) known.push(value);
  map.set(key, known);
}

/** Forgets what is for a PASID and any of some pages. */
function drop(map: Map<string, unknown>, pasid: number | undefined, first: number, end: number): void {
  for (const key of [...map.keys()]) {
    const words = key.split(' ').map(Number);
    const size = words.length === 3 ? 512 ** words[1]! : 1;
    const start = words.at(-1)! * size;
    if ((pasid === undefined || words[0] === pasid) && start < end && start + size > first) map.delete(key);
  }
}

const flags = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 3 }))
  // Most entries let everything be done.
  .map(([some, which]) => (some < 12 ? P | W | U : [0n, P | U, P | W, W | U][which]!));

const change = fc.record({
  kind: fc.constant('change' as const),
  level: fc.integer({ min: 1, max: 4 }),
  table: fc.integer({ min: 0, max: 1 }),
  index: fc.integer({ min: 0, max: 1 }),
  target: fc.integer({ min: 0, max: 1 }),
  large: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
  flags,
});
const request = fc.record({
  kind: fc.constant('request' as const),
  pasid: fc.constantFrom(...PASIDS),
  page: fc.constantFrom(...ADDRESSES),
  write: fc.boolean(),
});
const flush = fc.record({
  kind: fc.constant('flush' as const),
  pasid: fc.constantFrom(...PASIDS, undefined),
  range: fc.option(fc.record({ first: fc.constantFrom(...ADDRESSES), pages: fc.constantFrom(1, 2, 512) }), {
    nil: undefined,
  }),
  leaf: fc.boolean(),
  iotlb: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
});
const step = fc.oneof(
  { weight: 5, arbitrary: request },
  { weight: 3, arbitrary: change },
  { weight: 1, arbitrary: flush },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function setEntry(
  machine: TestMachine,
  { level, table, index, target, large, flags }: Step & { kind: 'change' },
): void {
  const next = level === 1 ? BASE + 2 * table + target : tablePages(level - 1)[target]!;
  const value = large && level > 1 ? (BigInt(BASE) << 12n) | LARGE : BigInt(next) << 12n;
  machine.setEntry(tablePages(level)[table]!, index, value | flags | A | D);
}

/** A machine whose tables all lead somewhere. */
function prepared(caching: TestMachine['hardware']['caching']): TestMachine {
  const machine = new TestMachine(caching);
  for (const page of [0, 1, 2, 3, 512, 513, 512 ** 2, 512 ** 2 + 1]) machine.map(BASE + page);
  for (const page of ADDRESSES) if (page < 512 ** 3) machine.map(BASE + page);
  for (const level of [1, 2, 3, 4]) {
    for (const table of [0, 1]) {
      machine.map(tablePages(level)[table]!);
      for (const index of [0, 1]) {
        setEntry(machine, { kind: 'change', level, table, index, target: index, large: false, flags: P | W | U });
      }
    }
  }
  PASIDS.forEach((pasid, i) => {
    machine.pasids.table.set(pasid, { root: BigInt(tablePages(4)[i]!) << 12n, levels: 4 });
  });
  return machine;
}

/** Number of the page, or the fault, that the hardware answers. */
function answer(machine: TestMachine, { pasid, page, write }: Step & { kind: 'request' }): string {
  const { hardware, pasids, domain } = machine;
  const found = translateWithPasid(hardware, pasids, domain.nested, { pasid, page, write });
  if (typeof found === 'string') return found;
  expect(found.allowed & (write ? Direction.WRITE : Direction.READ)).not.toBe(0);
  return `page ${pageNumbers(machine).get(found.page)}`;
}

function pageNumbers({ domain }: TestMachine): Map<unknown, number> {
  const places = [...ADDRESSES, 2, 3].map((page) => BASE + page);
  return new Map(places.map((place) => [domain.lookUp(place), place]));
}

function perform(machine: TestMachine, model: Model, one: Step & { kind: 'flush' }): void {
  const { pasid, range, leaf, iotlb } = one;
  const pages = range && { first: BigInt(range.first), pages: BigInt(range.pages) };
  const [first, end] = range ? [range.first, range.first + range.pages] : [0, Number.POSITIVE_INFINITY];
  machine.pasids.tlb!.flush({ pasid, ...pages });
  drop(model.device, pasid, first, end);
  if (!iotlb) return;
  machine.domain.nested.flushIotlb({ pasid, ...pages, leaf });
  drop(model.iotlb, pasid, first, end);
  if (!leaf) drop(model.tables, pasid, first, end);
}

interface Answer {
  given: string;
  right: Set<string>;
  /** Whether it is not what a walk gives now. */
  stale: boolean;
}

/** The one answer of hardware that remembers nothing. */
const fresh = (machine: TestMachine, { pasid, page, write }: Step & { kind: 'request' }) =>
  [...new Model(machine).request(pasid, page, write)][0]!;

/** Runs steps, and gives for each request what the hardware answered and what it might have. */
function resultsOf(steps: Step[], machine: TestMachine): Answer[] {
  const model = new Model(machine);
  const answers: Answer[] = [];
  for (const one of steps) {
    if (one.kind === 'change') setEntry(machine, one);
    else if (one.kind === 'flush') perform(machine, model, one);
    else {
      const given = answer(machine, one);
      const right = model.request(one.pasid, one.page, one.write);
      answers.push({ given, right, stale: given !== fresh(machine, one) });
    }
  }
  return answers;
}

const steps = fc.array(step, { minLength: 40, maxLength: 80, size: 'max' });

describe('random guest tables', () => {
  it('that are never kept give what a walk gives', () => {
    fc.assert(
      fc.property(steps, (all) => {
        for (const { stale } of resultsOf(all, prepared(never))) expect(stale).toBe(false);
      }),
    );
  });

  it('that are kept as any seed has it give something that was right since the last flush', () => {
    let seenStale = 0;
    fc.assert(
      fc.property(steps, fc.nat(), (all, seed) => {
        for (const { given, right, stale } of resultsOf(all, prepared(new SeededCaching(String(seed), 'random')))) {
          expect(right).toContain(given);
          if (stale) seenStale++;
        }
      }),
      { numRuns: 200 },
    );
    expect(seenStale).toBeGreaterThan(100);
  });
});
