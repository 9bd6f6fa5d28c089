import { describe, expect, it } from 'vitest';
import type { TransferFault } from '../../../spec/uapi/vocabulary.ts';
import { A, D, indexAt, LARGE, never, P, PASID, READABLE, ROOT_PAGE, RW, TestMachine, U, W } from './test-machine.ts';

/** Page with the bytes that are transferred: inside of a large page, not at its beginning. */
const PAGE = 0x4_0203;
/** The same place in a page of any size. */
const INSIDE = BigInt(PAGE % 2 ** 18) << 12n;
const UPPER = { 4: 0x7fc0_0000_0000n, 5: 0xff_7fc0_0000_0000n } as const;
const ADDRESS = { 4: UPPER[4] + INSIDE, 5: UPPER[5] + INSIDE } as const;

/** A machine on which an address leads to the page, by an entry of a level. */
function machine(levels: 4 | 5, leaf: number): TestMachine {
  const made = new TestMachine(never, levels);
  made.map(PAGE);
  made.bytes(PAGE).fill('11223344', 'hex');
  made.setLeaf(ADDRESS[levels], PAGE, leaf);
  return made;
}

const shapes = ([4, 5] as const).flatMap((levels) => [1, 2, 3].map((leaf) => ({ levels, leaf })));

describe.each(shapes)('with $levels levels and a leaf at level $leaf', ({ levels, leaf }) => {
  const address = ADDRESS[levels];
  const passed = Array.from({ length: levels - leaf + 1 }, (_, i) => levels - i);

  it('a read gets the bytes of host memory', () => {
    expect(machine(levels, leaf).read(address + 1n, 5)).toEqual({ bytes: '2233441122', fault: undefined });
  });

  it('a write stores exactly its bytes to host memory', () => {
    const target = machine(levels, leaf);
    expect(target.write(address + 6n, 'aabbcc')).toBeUndefined();
    expect(target.bytes(PAGE).subarray(4, 12).toString('hex')).toBe('1122aabbcc223344');
  });

  it('addresses are signed: the upper half of them begins with ones', () => {
    const target = new TestMachine(never, levels);
    const high = -(1n << 40n) + INSIDE;
    target.map(PAGE);
    target.setLeaf(high, PAGE, leaf);
    expect(target.write(high, 'aa')).toBeUndefined();
    expect(target.bytes(PAGE)[0]).toBe(0xaa);
  });

  it('a read marks every entry as accessed and none as dirty', () => {
    const target = machine(levels, leaf);
    const before = passed.map((level) => target.entryOf(level, address));
    target.read(address, 4);
    expect(passed.map((level) => target.entryOf(level, address))).toEqual(before.map((entry) => entry | A));
  });

  it('a write marks the last entry as dirty, too', () => {
    const target = machine(levels, leaf);
    const before = passed.map((level) => target.entryOf(level, address));
    target.write(address, 'aa');
    const marks = (level: number) => (level === leaf ? A | D : A);
    expect(passed.map((level) => target.entryOf(level, address))).toEqual(
      before.map((entry, i) => entry | marks(passed[i]!)),
    );
  });

  it('tables that cannot be written do if every entry is marked already', () => {
    const target = machine(levels, leaf);
    target.write(address, 'aa');
    for (const level of passed) target.protect(target.tablePage(level, address), READABLE);
    expect(target.write(address, 'bb')).toBeUndefined();
    expect(target.read(address, 1)).toEqual({ bytes: 'bb', fault: undefined });
  });

  it('entry bits from 52 on, and those that only software or the cache cares for, mean nothing', () => {
    const target = machine(levels, leaf);
    for (const level of passed) {
      const more = (0xfffn << 52n) | 0xf18n | (level === leaf && level > 1 ? 0x1000n : 0n);
      target.setEntry(target.tablePage(level, address), indexAt(level, address), target.entryOf(level, address) | more);
    }
    expect(target.read(address, 4)).toEqual({ bytes: '11223344', fault: undefined });
  });

  describe.each(passed)('at level %i', (level) => {
    /** The fault that a change of the entry makes; the page stays as it is, and a read gives zeros. */
    function faults(change: (entry: bigint) => bigint): (TransferFault | undefined)[] {
      const target = machine(levels, leaf);
      const entry = target.entryOf(level, address);
      target.setEntry(target.tablePage(level, address), indexAt(level, address), change(entry));
      const read = target.read(address, 4);
      expect(read.bytes).toBe(read.fault === undefined ? '11223344' : '00000000');
      const fault = target.write(address, 'aabbccdd');
      expect(target.bytes(PAGE).subarray(0, 4).toString('hex')).toBe(fault === undefined ? 'aabbccdd' : '11223344');
      return [read.fault, fault];
    }
    const both = (fault: TransferFault) => [fault, fault];

    it('an entry that is not present faults, whatever else is in it', () => {
      expect(faults((entry) => entry & ~P)).toEqual(both(`level_${level}_not_present` as TransferFault));
      expect(faults(() => BigInt.asUintN(64, ~P))).toEqual(both(`level_${level}_not_present` as TransferFault));
    });

    it('an entry for the supervisor faults, before the right to write is asked for', () => {
      expect(faults((entry) => entry & ~(U | W))).toEqual(both(`level_${level}_supervisor` as TransferFault));
    });

    it('an entry that is not writable faults for a write only', () => {
      expect(faults((entry) => entry & ~W)).toEqual([undefined, `level_${level}_not_writable`]);
    });

    it('reserved bits fault, before the supervisor is asked for', () => {
      const reserved = both(`level_${level}_reserved_bits` as TransferFault);
      // As if for a page of 512 GiB and more, wherever that would be.
      if (level >= 4)
        for (const keep of [~(U | W), 1n]) expect(faults((entry) => (entry & keep) | LARGE)).toEqual(reserved);
      else if (level > 1) {
        const place = BigInt(12 + 9 * (level - 1));
        for (const bit of [13n, place - 1n]) {
          expect(faults((entry) => (entry & ~0x3f_ffff_f000n) | LARGE | (1n << bit))).toEqual(reserved);
        }
      } else expect(faults((entry) => entry | LARGE)).toEqual([undefined, undefined]);
    });

    it('a table that is not mapped, or not readable, faults', () => {
      for (const allowed of [0, 2]) {
        const target = machine(levels, leaf);
        const page = target.tablePage(level, address);
        if (allowed === 0) target.domain.unmap(page);
        else target.protect(page, allowed);
        const fault = `table_${level}_not_mapped`;
        expect([target.read(address, 4).fault, target.write(address, 'aa')]).toEqual([fault, fault]);
      }
    });

    it('a table that is not writable faults when it has to be marked, and entries passed stay marked', () => {
      const target = machine(levels, leaf);
      target.protect(target.tablePage(level, address), READABLE);
      expect(target.read(address, 4)).toEqual({ bytes: '00000000', fault: `table_${level}_not_writable` });
      expect(passed.map((at) => (target.entryOf(at, address) & A) !== 0n)).toEqual(passed.map((at) => at > level));
    });
  });

  it('a table that is not writable faults when the last entry is accessed, but not dirty', () => {
    const target = machine(levels, leaf);
    target.read(address, 1);
    target.protect(target.tablePage(leaf, address), READABLE);
    expect(target.read(address, 4).fault).toBeUndefined();
    expect(target.write(address, 'aa')).toBe(`table_${leaf}_not_writable`);
  });

  it('the page has to be mapped, readable for a read and writable for a write; its entry is marked all the same', () => {
    const target = machine(levels, leaf);
    target.protect(PAGE, 2);
    expect(target.read(address, 4)).toEqual({ bytes: '00000000', fault: 'page_not_readable' });
    expect(target.write(address, 'aa')).toBeUndefined();
    target.protect(PAGE, READABLE);
    expect(target.write(address, 'bb')).toBe('page_not_writable');
    expect(target.read(address, 1)).toEqual({ bytes: 'aa', fault: undefined });
    target.domain.unmap(PAGE);
    expect([target.read(address, 1).fault, target.write(address, 'bb')]).toEqual([
      'page_not_mapped',
      'page_not_mapped',
    ]);
    expect(target.entryOf(leaf, address) & D).toBe(D);
  });
});

describe('before the walk', () => {
  it('a PASID that stands for nothing faults', () => {
    const target = machine(4, 1);
    expect(target.read(ADDRESS[4], 4, PASID + 1)).toEqual({ bytes: '00000000', fault: 'pasid_not_bound' });
    expect(target.write(1n << 63n, 'aa', PASID + 1)).toBe('pasid_not_bound');
  });

  it.each([
    [4, 47n],
    [5, 56n],
  ] as const)('with %i levels, bit %i decides what the bits above have to be', (levels, sign) => {
    const target = new TestMachine(never, levels);
    const fault = (address: bigint) => target.read(address, 1).fault;
    const top = `level_${levels}_not_present`;
    expect(fault((1n << sign) - 1n)).toBe(top);
    expect(fault(1n << sign)).toBe('not_canonical');
    expect(fault(-(1n << sign) - 1n)).toBe('not_canonical');
    expect(fault(-(1n << sign))).toBe(top);
    expect(fault(1n << 63n)).toBe('not_canonical');
  });

  it('the low bits of the root mean nothing', () => {
    const target = machine(4, 1);
    target.pasids.table.set(PASID, { root: (BigInt(ROOT_PAGE) << 12n) | 0xfffn, levels: 4 });
    expect(target.read(ADDRESS[4], 4).bytes).toBe('11223344');
  });

  it('without bus mastering nothing is asked for, and nothing marked', () => {
    const target = machine(4, 1);
    target.device.config.store(4, 3);
    expect(target.write(ADDRESS[4], 'aa')).toBeUndefined();
    expect(target.entryOf(1, ADDRESS[4])).toBe((BigInt(PAGE) << 12n) | RW);
  });
});

describe('a transfer over several pages', () => {
  it('goes on behind what is not translated, and tells the first reason', () => {
    const target = machine(4, 1);
    const next = ADDRESS[4] + 0x1000n;
    target.map(PAGE + 1);
    target.setLeaf(next, PAGE + 1, 1, P | U);
    expect(target.write(next - 2n, 'aabbccdd')).toBe('level_1_not_writable');
    expect(target.read(next - 2n, 4)).toEqual({ bytes: 'aabb0000', fault: undefined });
    target.setLeaf(ADDRESS[4], PAGE, 1, P);
    target.setLeaf(next, PAGE + 1, 1, P | U);
    expect(target.read(next - 2n, 4)).toEqual({ bytes: '00000000', fault: 'level_1_supervisor' });
    target.bytes(PAGE + 1).fill('55667788', 'hex');
    expect(target.read(next - 2n, 4)).toEqual({ bytes: '00005566', fault: 'level_1_supervisor' });
    expect(target.write(next - 2n, 'aabbccdd')).toBe('level_1_supervisor');
    target.setLeaf(ADDRESS[4], PAGE, 1, P | U);
    target.setLeaf(next, PAGE + 1, 1, P);
    expect(target.write(next - 2n, 'aabbccdd')).toBe('level_1_not_writable');
  });

  it('wraps at the end of 64 bits', () => {
    const target = new TestMachine(never, 4);
    for (const [address, page] of [
      [0n, PAGE],
      [-0x1000n, PAGE + 1],
    ] as const) {
      target.map(page);
      target.setLeaf(address, page);
    }
    target.bytes(PAGE).fill(0x11);
    target.bytes(PAGE + 1).fill(0x22);
    expect(target.read(-1n, 2)).toEqual({ bytes: '2211', fault: undefined });
  });
});

describe('a transfer without a PASID', () => {
  it('uses the mappings only, and all 64 bits of an address', () => {
    const target = machine(4, 1);
    expect(target.read(BigInt(PAGE) << 12n, 4, null)).toEqual({ bytes: '11223344', fault: undefined });
    expect(target.read((1n << 63n) | (BigInt(PAGE) << 12n), 4, null).fault).toBe('not_mapped');
    target.map(0);
    target.bytes(0).fill('99', 'hex');
    expect(target.read(-1n, 2, null)).toEqual({ bytes: '0099', fault: 'not_mapped' });
    target.protect(PAGE, READABLE);
    expect(target.write(BigInt(PAGE) << 12n, 'aa', null)).toBe('not_writable');
    target.protect(PAGE, 2);
    expect(target.read(BigInt(PAGE) << 12n, 4, null).fault).toBe('not_readable');
  });
});
