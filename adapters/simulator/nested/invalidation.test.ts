import { describe, expect, it } from 'vitest';
import { SeededCaching } from './caching.ts';
import { PasidFunction } from './pasid-function.ts';
import { translateWithPasid } from './request-with-pasid.ts';
import { indexAt, never, PASID, READABLE, RW, type TestMachine } from './test-machine.ts';
import { ADDRESS, NEIGHBOUR, NEW, names, OLD, PAGE, requests, seen, used } from './test-requests.ts';

/** Lets the entry of a level on the way to the address lead to a new table, whose entries lead to the new page. */
function replaceTable(machine: TestMachine, level: number): void {
  let target = NEW;
  for (let at = 1; at <= level; at++) {
    if (at === level) {
      machine.setEntry(machine.tablePage(at, ADDRESS), indexAt(at, ADDRESS), (BigInt(target) << 12n) | RW);
      return;
    }
    const table = 0x20 + at;
    machine.map(table);
    machine.setEntry(table, indexAt(at, ADDRESS), (BigInt(target) << 12n) | RW);
    if (at === 1) machine.setEntry(table, indexAt(at, NEIGHBOUR), (BigInt(target) << 12n) | RW);
    target = table;
  }
}

describe('an entry that was changed', () => {
  it.each(names)('is seen after %s, and not before', (name) => {
    const machine = used();
    machine.setLeaf(ADDRESS, NEW);
    expect(seen(machine)).toBe('old');
    requests[name](machine);
    expect(seen(machine)).toBe('new');
  });

  it('is seen at once by hardware that keeps nothing', () => {
    const machine = used(never);
    machine.setLeaf(ADDRESS, NEW);
    expect(seen(machine)).toBe('new');
  });

  it('is not seen after requests that do not cover it', () => {
    const machine = used();
    machine.setLeaf(ADDRESS, NEW);
    for (const range of [
      { pasid: PASID + 1 },
      { pasid: PASID, first: PAGE - 1n },
      { pasid: PASID, first: PAGE - 4n, pages: 4n },
      { pasid: PASID, first: PAGE + 1n, pages: 4n },
      { pasid: PASID + 1, first: PAGE },
    ]) {
      machine.domain.nested.flushIotlb(range);
      machine.pasids.tlb!.flush(range);
    }
    machine.domain.nested.flushPasidCache();
    expect(seen(machine)).toBe('old');
  });

  it('is seen after a request for its address with any PASID', () => {
    const machine = used();
    machine.setLeaf(ADDRESS, NEW);
    machine.domain.nested.flushIotlb({ first: PAGE });
    machine.pasids.tlb!.flush({ first: PAGE });
    expect(seen(machine)).toBe('new');
  });
});

describe.each([2, 3, 4])('an entry of level %i that leads to another table', (level) => {
  it.each(names)('may be seen late only after %s with LEAF', (name) => {
    const machine = used();
    replaceTable(machine, level);
    expect(seen(machine)).toBe('old');
    requests[name](machine);
    expect(seen(machine)).toBe(name.endsWith('LEAF') ? 'old' : 'new');
  });

  it('is not seen at addresses never used before, until a request covers any address below it', () => {
    const machine = used();
    machine.setLeaf(NEIGHBOUR, OLD);
    replaceTable(machine, level);
    expect(seen(machine, NEIGHBOUR)).toBe('old');
    requests['IOTLB, ADDR'](machine);
    // The request before did not cover the neighbour itself, only tables on the way to it.
    expect(seen(machine, NEIGHBOUR)).toBe('old');
    machine.domain.nested.flushIotlb({ pasid: PASID, first: NEIGHBOUR >> 12n, leaf: true });
    machine.pasids.tlb!.flush({ pasid: PASID, first: NEIGHBOUR >> 12n });
    expect(seen(machine, NEIGHBOUR)).toBe('new');
  });

  it('goes on leading to the old table, as that is now', () => {
    const machine = used();
    const table = machine.tablePage(1, ADDRESS);
    replaceTable(machine, level);
    requests['IOTLB, ADDR with LEAF'](machine);
    machine.setEntry(table, indexAt(1, ADDRESS), 0n);
    expect(seen(machine)).toBe('level_1_not_present');
    requests['IOTLB, ADDR'](machine);
    expect(seen(machine)).toBe('new');
  });
});

describe('what a device keeps itself', () => {
  it('is removed by DEV_IOTLB alone; the IOMMU goes on with what it has', () => {
    const machine = used();
    machine.setLeaf(ADDRESS, NEW);
    machine.pasids.tlb!.flush({ pasid: PASID });
    expect(seen(machine)).toBe('old');
    machine.domain.nested.flushIotlb({ pasid: PASID });
    expect(seen(machine)).toBe('old');
    machine.pasids.tlb!.flush({ pasid: PASID, first: PAGE });
    expect(seen(machine)).toBe('new');
  });

  it('is its own, while the devices of a domain share what the IOMMU keeps', () => {
    const machine = used();
    const hardware = machine.hardware;
    const [first, second] = [machine.pasids, new PasidFunction(20)];
    second.table.set(PASID, first.table.get(PASID)!);
    const page = (device: PasidFunction) =>
      translateWithPasid(hardware, device, machine.domain.nested, { pasid: PASID, page: Number(PAGE), write: false });
    const leadsTo = (iovaPage: number) => ({ page: machine.domain.lookUp(iovaPage), allowed: READABLE });
    machine.setLeaf(ADDRESS, NEW);
    expect([page(first), page(second)]).toEqual([leadsTo(OLD), leadsTo(OLD)]);
    machine.domain.nested.flushIotlb();
    first.tlb!.flush();
    expect([page(first), page(second)]).toEqual([leadsTo(NEW), leadsTo(OLD)]);
  });

  it('is nothing for a device without PASIDs', () => {
    expect([0, 16, 20].map((bits) => new PasidFunction(bits).tlb !== undefined)).toEqual([false, true, true]);
  });
});

describe('entries of the PASID table', () => {
  it('go with everything else of the domain', () => {
    const machine = used();
    machine.pasids.table.clear(PASID);
    requests['everything of the domain'](machine);
    expect(seen(machine)).toBe('pasid_not_bound');
  });

  it.each([PASID, undefined])('stay until a driver removes them: flushed with %s', (which) => {
    const machine = used();
    machine.pasids.table.clear(PASID);
    requests['IOTLB, DOMAIN'](machine);
    expect(seen(machine)).toBe('old');
    requests['IOTLB, DOMAIN'](machine);
    machine.domain.nested.flushPasidCache(PASID + 1);
    expect(seen(machine)).toBe('old');
    requests['IOTLB, DOMAIN'](machine);
    machine.domain.nested.flushPasidCache(which);
    expect(seen(machine)).toBe('pasid_not_bound');
  });
});

describe('a seed', () => {
  const sights = (seed: number, request?: keyof typeof requests) => {
    const machine = used(new SeededCaching(String(seed), 'program'));
    machine.setLeaf(ADDRESS, NEW);
    if (request !== undefined) requests[request](machine);
    return Array.from({ length: 4 }, () => seen(machine));
  };
  const seeds = Array.from({ length: 64 }, (_, seed) => seed);

  it('decides what is seen before a request, mostly the old', () => {
    const first = seeds.map((seed) => sights(seed)[0]);
    expect(new Set(first)).toEqual(new Set(['old', 'new']));
    expect(first.filter((sight) => sight === 'old').length).toBeGreaterThan(32);
  });

  it('may show the old again after the new', () => {
    const many = Array.from({ length: 1000 }, (_, seed) => sights(seed).join());
    expect(many.some((sight) => sight.includes('new,old'))).toBe(true);
  });

  it.each(names)('decides nothing of what is seen after %s', (name) => {
    expect(new Set(seeds.flatMap((seed) => sights(seed, name)))).toEqual(new Set(['new']));
  });

  it('always decides alike for a program, and otherwise for another', () => {
    const decisions = (seed: string, program: string) => {
      const caching = new SeededCaching(seed, program);
      return Array.from({ length: 40 }, () => [caching.keeps(), caching.uses()]).join();
    };
    expect(decisions('1', 'a')).toBe(decisions('1', 'a'));
    expect(new Set([decisions('1', 'a'), decisions('2', 'a'), decisions('1', 'b')]).size).toBe(3);
  });
});
