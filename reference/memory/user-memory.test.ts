import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Changed, MmapOp, Protection } from '../../spec/uapi/vocabulary.ts';
import { PAGE, UserMemory } from './user-memory.ts';

/** A page as a plain pair of arrays: what is there, and what the program last knew. */
interface NaivePage {
  bytes: Uint8Array;
  known: Uint8Array;
  watched: boolean;
}
interface NaiveRegion {
  name: string;
  base: bigint;
  private: boolean;
  pages: { page: NaivePage | undefined; protection: Protection }[];
}
type Naive = NaiveRegion[];

const may: Record<Protection, Record<'read' | 'write', boolean>> = {
  none: { read: false, write: false },
  read: { read: true, write: false },
  write: { read: true, write: true },
  'read-write': { read: true, write: true },
};

function naiveByte(
  memory: Naive,
  address: bigint,
): { region: NaiveRegion; slot: NaiveRegion['pages'][0]; at: number } | undefined {
  for (const region of memory) {
    const offset = address - region.base;
    if (offset < 0n || offset >= BigInt(region.pages.length * PAGE)) continue;
    const slot = region.pages[Math.floor(Number(offset) / PAGE)]!;
    return slot.page && { region, slot, at: Number(offset) % PAGE };
  }
  return undefined;
}

function naiveAccessible(memory: Naive, address: bigint, length: number, access: 'read' | 'write'): number {
  for (let i = 0; i < length; i++) {
    const found = naiveByte(memory, address + BigInt(i));
    if (!found || !may[found.slot.protection][access]) return i;
  }
  return length;
}

function naiveNews(memory: Naive): Changed[] {
  const news: Changed[] = [];
  for (const { name, pages } of memory) {
    let last = -2;
    pages.forEach(({ page, protection }, index) => {
      if (!page?.watched || protection === 'none') return;
      for (let i = 0; i < PAGE; i++) {
        if (page.bytes[i] === page.known[i]) continue;
        const at = index * PAGE + i;
        const hex = page.bytes[i]!.toString(16).padStart(2, '0');
        if (last === at - 1) news.at(-1)!.bytes += hex;
        else news.push({ memory: name, at, bytes: hex });
        last = at;
      }
      page.known.set(page.bytes);
    });
  }
  return news;
}

type Command =
  | { kind: 'map'; pages: number; backing: MmapOp['backing']; fill: MmapOp['fill']; protection: Protection }
  | { kind: 'store' | 'poke'; region: number; at: number; bytes: Uint8Array }
  | { kind: 'protect'; region: number; from: number; count: number; protection: Protection }
  | { kind: 'unmap'; region: number; from: number; count: number }
  | { kind: 'look'; region: number; at: number; length: number }
  | { kind: 'news' }
  | { kind: 'fork' };

const protection = fc.constantFrom<Protection>('none', 'read', 'write', 'read-write', 'read-write');
const region = fc.nat(3);
// Close to the ends of pages, where a copy crosses from one to the next.
const at = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -20, max: 20 }))
  .map(([page, offset]) => page * PAGE + offset);
// Few values, so that stored bytes often are what was there before.
const bytes = fc
  .array(fc.constantFrom(0x00, 0xff, 0x5a), { minLength: 0, maxLength: 40 })
  .map((list) => Uint8Array.from(list));
const from = fc.nat(2);
const count = fc.integer({ min: 1, max: 3 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('map' as const),
      pages: count,
      backing: fc.constantFrom('anonymous' as const, 'shared' as const, undefined),
      fill: fc.constantFrom('ff' as const, 'untouched' as const, undefined),
      protection,
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('store' as const, 'poke' as const), region, at, bytes }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('protect' as const), region, from, count, protection }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unmap' as const), region, from, count }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('look' as const), region, at, length: fc.nat(PAGE + 40) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('news' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fork' as const) }) },
);
/** Who acts: the parent, or the child once there is one. */
const step = fc.record({ actor: fc.nat(1), command });

test('user memory agrees with plain arrays of bytes, whatever is stored, protected, unmapped or forked', () => {
  const seen = { stores: 0, partly: 0, changes: 0, forks: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), (steps) => {
      const memories: [UserMemory, Naive][] = [[new UserMemory(), []]];
      let names = 0;
      for (const { actor, command } of steps) {
        const [memory, naive] = memories[actor % memories.length]!;
        if (command.kind === 'map') {
          if (naive.length === 3) continue;
          const { pages, backing, fill, protection } = command;
          const as = `m${names++}`;
          memory.map({ op: 'mmap', as, length: pages * PAGE, protection, backing, fill }, false);
          const content = fill === 'untouched' ? 0 : 0xff;
          const page = () => ({
            bytes: new Uint8Array(PAGE).fill(content),
            known: new Uint8Array(PAGE).fill(content),
            watched: content !== 0,
          });
          const { base } = memory.regions.get(as)!;
          naive.push({
            name: as,
            base,
            private: backing !== 'shared',
            pages: Array.from({ length: pages }, () => ({ page: page(), protection })),
          });
          continue;
        }
        if (command.kind === 'news') {
          const out: Changed[] = [];
          memory.collectNews(undefined, out);
          memory.clearChanges();
          expect(out).toEqual(naiveNews(naive));
          seen.changes += out.length;
          continue;
        }
        if (command.kind === 'fork') {
          if (memories.length === 2) continue;
          // A fork with everything readable and nothing new.
          for (const { name, pages } of naive) {
            memory.regions.get(name)!.protection.fill('read-write');
            for (const slot of pages) slot.protection = 'read-write';
          }
          const out: Changed[] = [];
          memory.collectNews(undefined, out);
          memory.clearChanges();
          expect(out).toEqual(naiveNews(naive));
          const copy = (page: NaivePage | undefined) =>
            page && { ...page, bytes: page.bytes.slice(), known: page.known.slice() };
          memories.push([
            memory.fork(),
            naive.map((one) => ({
              ...one,
              pages: one.pages.map(({ page, protection }) => ({ page: one.private ? copy(page) : page, protection })),
            })),
          ]);
          seen.forks++;
          continue;
        }
        const target = naive[command.region % (naive.length || 1)];
        if (!target) continue;
        const real = memory.regions.get(target.name)!;
        if (command.kind === 'protect' || command.kind === 'unmap') {
          const { from, count } = command;
          if (command.kind === 'protect')
            real.protection.fill(command.protection, from, Math.min(from + count, real.pages.length));
          else real.pages.fill(undefined, from, from + count);
          for (const slot of target.pages.slice(from, from + count)) {
            if (command.kind === 'protect') slot.protection = command.protection;
            else slot.page = undefined;
          }
          continue;
        }
        const address = target.base + BigInt(command.at);
        if (command.kind === 'look') {
          expect(memory.accessible(address, command.length, 'write')).toBe(
            naiveAccessible(naive, address, command.length, 'write'),
          );
          const readable = memory.accessible(address, command.length, 'read');
          expect(readable).toBe(naiveAccessible(naive, address, command.length, 'read'));
          if (readable > 0 && readable < command.length) seen.partly++;
          const into = new Uint8Array(readable + 2).fill(0x77);
          memory.read(address, into, 1, readable);
          const expected = Array.from({ length: readable }, (_, i) => {
            const { slot, at } = naiveByte(naive, address + BigInt(i))!;
            return slot.page!.bytes[at]!;
          });
          expect([...into]).toEqual([0x77, ...expected, 0x77]);
          continue;
        }
        if (naiveAccessible(naive, address, command.bytes.length, 'write') < command.bytes.length) continue;
        seen.stores++;
        if (command.kind === 'store') memory.store(address, command.bytes);
        else memory.poke(real, command.at, command.bytes);
        command.bytes.forEach((byte, i) => {
          const { slot, at } = naiveByte(naive, address + BigInt(i))!;
          const page = slot.page!;
          page.bytes[at] = byte;
          if (command.kind === 'poke') page.watched = true;
          if (command.kind === 'poke' || !page.watched) page.known[at] = byte;
        });
      }
    }),
    { numRuns: 300 },
  );
  // The sequences did what they are for.
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
});

const whole = (memory: UserMemory, name: string): number[] => {
  const { base, pages } = memory.regions.get(name)!;
  const into = new Uint8Array(pages.length * PAGE);
  memory.read(base, into, 0, into.length);
  return [...into];
};
const news = (memory: UserMemory, process?: string): Changed[] => {
  const out: Changed[] = [];
  memory.collectNews(process, out);
  memory.clearChanges();
  return out;
};
const mapped = (op: Partial<MmapOp> = {}, device = false): UserMemory => {
  const memory = new UserMemory();
  memory.map({ op: 'mmap', as: 'ram', length: 2 * PAGE, ...op }, device);
  return memory;
};

describe('a memory', () => {
  test('is prefilled with 0xff, and with zeros where it is left untouched', () => {
    expect(new Set(whole(mapped(), 'ram'))).toEqual(new Set([0xff]));
    expect(new Set(whole(mapped({ fill: 'untouched' }), 'ram'))).toEqual(new Set([0]));
  });

  test('lies between inaccessible bytes, away from other memories', () => {
    const memory = mapped();
    memory.map({ op: 'mmap', as: 'more', length: PAGE }, false);
    const { base } = memory.regions.get('ram')!;
    expect(base % BigInt(PAGE)).toBe(0n);
    expect(memory.accessible(base - 1n, 1, 'read')).toBe(0);
    expect(memory.accessible(base, 3 * PAGE, 'read')).toBe(2 * PAGE);
    expect(memory.accessible(base + BigInt(2 * PAGE), PAGE, 'read')).toBe(0);
  });

  test('ends where addresses end', () => {
    expect(mapped().accessible((1n << 64n) - 4n, 8, 'read')).toBe(0);
  });

  test('tells what the kernel stored once, in runs that go on from page to page', () => {
    const memory = mapped();
    const { base } = memory.regions.get('ram')!;
    memory.store(base + BigInt(PAGE - 2), Uint8Array.of(1, 2, 3));
    memory.store(base + BigInt(PAGE + 5), Uint8Array.of(4));
    expect(news(memory, 'child')).toEqual([
      { process: 'child', memory: 'ram', at: PAGE - 2, bytes: '010203' },
      { process: 'child', memory: 'ram', at: PAGE + 5, bytes: '04' },
    ]);
    expect(news(memory)).toEqual([]);
  });

  test('tells nothing of a byte that was stored as it was, or changed back', () => {
    const memory = mapped();
    const { base } = memory.regions.get('ram')!;
    memory.store(base, Uint8Array.of(0xff, 1));
    memory.store(base + 1n, Uint8Array.of(0xff));
    expect(news(memory)).toEqual([]);
  });

  test('keeps the news of a page that cannot be read until it can', () => {
    const memory = mapped();
    const ram = memory.regions.get('ram')!;
    memory.store(ram.base, Uint8Array.of(1));
    ram.protection.fill('none');
    expect(news(memory)).toEqual([]);
    ram.protection.fill('read');
    expect(news(memory)).toEqual([{ memory: 'ram', at: 0, bytes: '01' }]);
  });

  test('of a device is not compared until the program stores to it', () => {
    const memory = mapped({ backing: 'fd' }, true);
    const ram = memory.regions.get('ram')!;
    memory.store(ram.base, Uint8Array.of(1));
    expect(news(memory)).toEqual([]);
    memory.poke(ram, 1, Uint8Array.of(2));
    memory.store(ram.base, Uint8Array.of(3));
    expect(news(memory)).toEqual([{ memory: 'ram', at: 0, bytes: '03' }]);
  });

  test('that was released leaves nothing behind for the next', () => {
    const first = mapped();
    first.store(first.regions.get('ram')!.base, new Uint8Array(2 * PAGE).fill(0x33));
    first.release();
    const second = mapped({ fill: 'untouched' });
    second.store(second.regions.get('ram')!.base + 7n, Uint8Array.of(9));
    expect(whole(second, 'ram').filter((byte) => byte !== 0)).toEqual([9]);
  });
});

describe('after fork', () => {
  test.each([
    ['private', undefined, 0xff],
    ['shared', 'shared', 1],
  ] as const)('what the parent stores in %s memory is for the child as it should be', (_, backing, seen) => {
    const parent = mapped({ backing });
    const child = parent.fork();
    parent.store(parent.regions.get('ram')!.base, Uint8Array.of(1));
    expect(whole(parent, 'ram')[0]).toBe(1);
    expect(whole(child, 'ram')[0]).toBe(seen);
  });

  test('protection and unmapping are each for themselves', () => {
    const parent = mapped({ backing: 'shared' });
    const child = parent.fork();
    const ram = parent.regions.get('ram')!;
    ram.protection.fill('none');
    ram.pages.fill(undefined);
    expect(child.accessible(ram.base, 2 * PAGE, 'write')).toBe(2 * PAGE);
  });

  test('new memories of parent and child do not disturb each other', () => {
    const parent = mapped();
    const child = parent.fork();
    parent.map({ op: 'mmap', as: 'mine', length: PAGE }, false);
    expect(child.regions.has('mine')).toBe(false);
    child.map({ op: 'mmap', as: 'its', length: PAGE }, false);
    expect(parent.regions.has('its')).toBe(false);
  });
});
