import { describe, expect, test } from 'vitest';
import { access, map, unmap } from '../conformance/programs/build.ts';
import { entry } from '../conformance/programs/guest-tables.ts';
import type { DmaOp, Machine, Op, Slot } from '../spec/uapi/vocabulary.ts';
import { faultOf } from './interpreter/expectation.ts';
import { Bench, dma, FIRST, PASID, RAM, SECOND, tables } from './test-dma-with-pasid.ts';

describe('what is translated', () => {
  test('a transfer over a page boundary reads each page where the table says', () => {
    const bench = new Bench();
    bench.run(dma('from-memory', SECOND - 2, { length: 4 }));
    expect([...bench.device.buffer!.subarray(0, 4)]).toEqual([1, 1, 2, 2]);
  });

  test('a read sets accessed bits in every entry, a write the dirty bit in the last one, and only once', () => {
    const bench = new Bench();
    const touched = (address: number, level: number, bits: bigint) => ({
      memory: 'tables',
      at: tables.place(address, level),
      bytes: Number((tables.value(address, level) | bits) & 0xffn).toString(16),
    });
    const { accessed, dirty } = entry;
    const all = [4, 3, 2, 1].map((level) => touched(FIRST, level, accessed));
    expect(bench.run(dma('from-memory', FIRST)).changed).toEqual(all);
    expect(bench.run(dma('from-memory', FIRST)).changed).toEqual([]);
    expect(bench.run(dma('to-memory', SECOND)).changed).toEqual([
      touched(SECOND, 1, accessed | dirty),
      { memory: 'ram', at: 0x1000, bytes: '01'.repeat(16) },
    ]);
    expect(bench.run(dma('to-memory', SECOND)).changed).toEqual([]);
  });

  test('entries that were passed keep their bits when a later one faults, and the rest of the transfer goes on', () => {
    const bench = new Bench();
    bench.run(tables.change(FIRST, 1, 0n));
    const expectation = bench.run(dma('from-memory', SECOND - 2, { length: 4 }));
    expect([...bench.device.buffer!.subarray(0, 4)]).toEqual([0, 0, 2, 2]);
    expect(faultOf(expectation)).toBe('level_1_not_present');
    expect(expectation.changed.map(({ at }) => at)).toEqual([
      ...[4, 3, 2].map((level) => tables.place(FIRST, level)),
      tables.place(SECOND, 1),
    ]);
  });

  test('a PASID can be a saved output and a number more', () => {
    const bench = new Bench();
    bench.world.processes.get('main')!.saved.set('given', BigInt(PASID) - 1n);
    expect(faultOf(bench.run(dma('from-memory', FIRST, { pasid: { ref: 'given', add: 1 } })))).toBeUndefined();
    expect(faultOf(bench.run(dma('from-memory', FIRST, { pasid: { ref: 'given' } })))).toBe('pasid_not_bound');
    // What was never saved is -1, as in a relocation.
    expect(bench.run(dma('from-memory', FIRST, { pasid: { ref: 'other' } })).outcome).toEqual({
      kind: 'errno',
      errno: 'EINVAL',
    });
  });
});

describe('what is not translated', () => {
  const open = entry.open;
  test.each<[string, string, Op[], boolean]>([
    ['an entry of the root that is not present', 'level_4_not_present', [tables.change(FIRST, 4, 0n)], false],
    [
      'a root entry for a large page',
      'level_4_reserved_bits',
      [tables.change(FIRST, 4, tables.value(FIRST, 4) | entry.large)],
      false,
    ],
    [
      'a large page with an address inside it',
      'level_2_reserved_bits',
      [tables.change(FIRST, 2, 0x2000n | open | 0x80n)],
      false,
    ],
    ['an entry for the supervisor', 'level_1_supervisor', [tables.change(FIRST, 1, BigInt(RAM) | 3n)], false],
    [
      'an entry that cannot be written',
      'level_3_not_writable',
      [tables.change(FIRST, 3, tables.value(FIRST, 3) & ~entry.writable)],
      true,
    ],
    ['a table that is not mapped', 'table_1_not_mapped', [tables.change(FIRST, 2, 0x900_0000n | open)], false],
    ['a page that is not mapped', 'page_not_mapped', [tables.change(FIRST, 1, 0x900_0000n | open)], false],
    [
      'a page that is mapped for reading',
      'page_not_writable',
      [unmap('c', RAM, 3), map('c', RAM, 'ram', 0, 3, access.read)],
      true,
    ],
  ])('%s', (_, fault, changes, writes) => {
    const bench = new Bench();
    bench.run(...changes);
    if (writes) expect(faultOf(bench.run(dma('to-memory', FIRST)))).toBe(fault);
    else expect(bench.read(FIRST)).toEqual({ byte: 0, fault });
    expect(bench.world.processes.get('main')!.memory.regions.get('ram')!.pages[0]!.bytes![0]).toBe(1);
  });

  test('a table in memory that is mapped for reading, unless no bit has to be set', () => {
    const bench = new Bench({}, undefined, access.read);
    expect(bench.read(FIRST)).toEqual({ byte: 0, fault: 'table_4_not_writable' });
    for (const level of [4, 3, 2, 1])
      bench.run(tables.change(FIRST, level, tables.value(FIRST, level) | entry.accessed));
    expect(bench.read(FIRST)).toEqual({ byte: 1, fault: undefined });
  });

  test('a PASID that is not bound, and an address that is not canonical', () => {
    const bench = new Bench();
    expect(faultOf(bench.run(dma('from-memory', FIRST, { pasid: 8 })))).toBe('pasid_not_bound');
    expect(bench.read(0x8000_0000_0000)).toEqual({ byte: 0, fault: 'not_canonical' });
    expect(bench.read(0xffff_8000_0000_0000n)).toEqual({ byte: 0, fault: 'level_4_not_present' });
  });

  test('a transfer without PASID uses the mappings, and says why not', () => {
    const bench = new Bench();
    const withoutPasid = (direction: DmaOp['direction'], iova: number): DmaOp => ({
      op: 'dma',
      device: 'd',
      direction,
      iova,
      length: 16,
    });
    expect(faultOf(bench.run(withoutPasid('from-memory', FIRST)))).toBe('not_mapped');
    expect(faultOf(bench.run(withoutPasid('from-memory', RAM)))).toBeUndefined();
    bench.run(unmap('c', RAM, 3), map('c', RAM, 'ram', 0, 3, access.read));
    expect(faultOf(bench.run(withoutPasid('to-memory', RAM)))).toBe('not_writable');
  });
});

describe('what a device cannot send', () => {
  test.each<[string, Partial<Slot>, Machine, number, string | undefined]>([
    ['21 bits of 20', {}, { nesting: 'four_levels' }, 0x10_0000, 'EINVAL'],
    ['20 bits of 20', {}, { nesting: 'four_levels' }, 0xf_ffff, undefined],
    ['17 bits of 16', { pasidBits: 16 }, { nesting: 'four_levels' }, 0x1_0000, 'EINVAL'],
    ['0 without PASIDs', { pasidBits: 0 }, { nesting: 'four_levels' }, 0, 'EINVAL'],
    ['1 on a machine that does not nest', {}, {}, 1, 'EINVAL'],
  ])('%s', (_, slot, machine, pasid, errno) => {
    const { outcome } = new Bench(slot, machine).run(dma('from-memory', FIRST, { pasid }));
    expect(outcome).toEqual(errno ? { kind: 'errno', errno } : { kind: 'value', value: 0 });
  });

  test('nothing is said about a mediated device without an IOMMU', () => {
    const emulated = new Bench({ kind: 'emulated' });
    expect(emulated.run(dma('from-memory', FIRST)).outcome).toEqual({ kind: 'undefined' });
  });
});
