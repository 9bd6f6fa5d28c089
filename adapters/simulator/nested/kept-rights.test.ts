import { describe, expect, it } from 'vitest';
import { A, always, D, indexAt, P, PASID, READ_WRITE, READABLE, ROOT_PAGE, RW, U, W } from './test-machine.ts';
import { ADDRESS, NEIGHBOUR, NEW, OLD, requests, seen, used } from './test-requests.ts';

describe('what is kept', () => {
  it('is never a fault', () => {
    const machine = used();
    for (const level of [1, 2, 3, 4]) {
      const [table, index] = [machine.tablePage(level, ADDRESS), indexAt(level, ADDRESS)];
      const entry = machine.entry(table, index);
      requests['IOTLB, DOMAIN'](machine);
      machine.setEntry(table, index, 0n);
      expect(seen(machine)).toBe(`level_${level}_not_present`);
      machine.setEntry(table, index, entry);
      expect(seen(machine)).toBe('old');
    }
  });

  it('is nothing of a walk that faulted', () => {
    const machine = used();
    const [table, index] = [machine.tablePage(2, ADDRESS), indexAt(2, ADDRESS)];
    requests['IOTLB, DOMAIN'](machine);
    machine.setLeaf(ADDRESS, OLD, 1, 0n);
    expect(seen(machine)).toBe('level_1_not_present');
    machine.setEntry(table, index, 0n);
    expect(seen(machine)).toBe('level_2_not_present');
  });

  it('has no right to write if the entry was not dirty', () => {
    const machine = used();
    machine.setLeaf(ADDRESS, NEW);
    expect(machine.write(ADDRESS, 'aa')).toBeUndefined();
    expect([machine.bytes(OLD)[0], machine.bytes(NEW)[0]]).toEqual([0x0d, 0xaa]);
    expect(machine.entryOf(1, ADDRESS) & D).toBe(D);
  });

  it('has the right to write after a write, and after a read of what was dirty', () => {
    const written = used(always, true);
    const readDirty = used();
    readDirty.setLeaf(ADDRESS, OLD, 1, RW | D);
    requests['IOTLB, DOMAIN'](readDirty);
    readDirty.read(ADDRESS, 1);
    for (const machine of [written, readDirty]) {
      machine.setLeaf(ADDRESS, NEW);
      expect(machine.write(ADDRESS, 'aa')).toBeUndefined();
      expect([machine.bytes(OLD)[0], machine.bytes(NEW)[0]]).toEqual([0xaa, 0xee]);
    }
  });

  it('has no right to read after a write to a page that cannot be read', () => {
    const machine = used();
    machine.protect(OLD, 2);
    requests['IOTLB, DOMAIN'](machine);
    expect(machine.write(ADDRESS, '0d')).toBeUndefined();
    machine.protect(OLD, READ_WRITE);
    expect(seen(machine)).toBe('old');
    machine.protect(OLD, 2);
    requests['IOTLB, DOMAIN'](machine);
    machine.write(ADDRESS, '0d');
    expect(seen(machine)).toBe('page_not_readable');
  });

  it('is used without marking entries again', () => {
    const machine = used(always, true);
    machine.setLeaf(ADDRESS, OLD);
    expect(machine.write(ADDRESS, 'aa')).toBeUndefined();
    expect(machine.entryOf(1, ADDRESS) & (A | D)).toBe(0n);
    requests['IOTLB, PASID'](machine);
    machine.write(ADDRESS, 'aa');
    expect(machine.entryOf(1, ADDRESS) & (A | D)).toBe(A | D);
  });

  it.each([2, 3, 4])('of an entry of level %i that was not writable is not used for a write', (level) => {
    const machine = used();
    const [table, index] = [machine.tablePage(level, ADDRESS), indexAt(level, ADDRESS)];
    const entry = machine.entry(table, index);
    machine.setEntry(table, index, entry & ~W);
    requests['IOTLB, DOMAIN'](machine);
    machine.read(ADDRESS, 1);
    expect(machine.write(ADDRESS, 'aa')).toBe(`level_${level}_not_writable`);
    machine.setEntry(table, index, entry);
    expect(machine.write(ADDRESS, 'aa')).toBeUndefined();
  });

  it('of a table whose mapping was not writable is not used to mark its entries', () => {
    const machine = used();
    const table = machine.tablePage(1, ADDRESS);
    machine.protect(table, READABLE);
    requests['IOTLB, DOMAIN'](machine);
    machine.read(ADDRESS, 1);
    machine.setLeaf(NEIGHBOUR, OLD);
    expect(seen(machine, NEIGHBOUR)).toBe('table_1_not_writable');
    machine.protect(table, READ_WRITE);
    expect(seen(machine, NEIGHBOUR)).toBe('old');
  });

  it('leads to host memory that is no longer mapped, of pages as of tables', () => {
    const machine = used();
    machine.domain.unmap(OLD);
    expect(seen(machine)).toBe('old');
    requests['IOTLB, ADDR with LEAF'](machine);
    expect(seen(machine)).toBe('page_not_mapped');
    machine.setLeaf(ADDRESS, NEW);
    machine.domain.unmap(machine.tablePage(1, ADDRESS));
    expect(seen(machine)).toBe('new');
    requests['IOTLB, PASID'](machine);
    expect(seen(machine)).toBe('table_1_not_mapped');
  });

  it('is of one PASID', () => {
    const machine = used();
    machine.map(ROOT_PAGE - 1);
    machine.pasids.table.set(PASID + 1, { root: BigInt(ROOT_PAGE - 1) << 12n, levels: 4 });
    expect(machine.read(ADDRESS, 1, PASID + 1).fault).toBe('level_4_not_present');
  });

  it('of a large page is a page of 4 KiB', () => {
    const machine = used();
    const [address, next] = [0x4000_0000n, 0x4000_1000n];
    for (const page of [0x4_0000, 0x4_0001]) machine.map(page);
    machine.setLeaf(address, 0x4_0000, 3, P | U | W);
    machine.read(address, 1);
    machine.setEntry(machine.tablePage(3, address), 1, 0n);
    expect(machine.read(address, 1).fault).toBeUndefined();
    expect(machine.read(next, 1).fault).toBe('level_3_not_present');
  });
});
