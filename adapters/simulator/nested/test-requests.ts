import type { Caching } from './caching.ts';
import { always, PASID, TestMachine } from './test-machine.ts';

/** What the tests of invalidation are written with: an address that leads to an old page, and is to lead to a new one. */

export const ADDRESS = 0x12_3456_7000n;
export const PAGE = ADDRESS >> 12n;
/** In the same tables. */
export const NEIGHBOUR = ADDRESS + 0x1000n;
export const OLD = 0x10;
export const NEW = 0x11;

/** A machine on which the address leads to the old page, and the device has read it, or written to it. */
export function used(caching: Caching = always, write = false): TestMachine {
  const machine = new TestMachine(caching);
  for (const page of [OLD, NEW]) machine.map(page);
  machine.bytes(OLD).fill('0d', 'hex');
  machine.bytes(NEW).fill('ee', 'hex');
  machine.setLeaf(ADDRESS, OLD);
  if (write) machine.write(ADDRESS, '0d');
  else machine.read(ADDRESS, 1);
  return machine;
}

/** The byte at the address that the device reads, or the fault. */
export const seen = (machine: TestMachine, address = ADDRESS) => {
  const { bytes, fault } = machine.read(address, 1);
  return fault ?? { '0d': 'old', ee: 'new' }[bytes];
};

/** What the requests of the documentation remove, for the device of the machine. */
export const requests = {
  'IOTLB, PASID': ({ domain, pasids }: TestMachine) => {
    domain.nested.flushIotlb({ pasid: PASID });
    pasids.tlb!.flush({ pasid: PASID });
  },
  'IOTLB, ADDR': ({ domain, pasids }: TestMachine) => {
    const range = { pasid: PASID, first: PAGE - 1n, pages: 2n };
    domain.nested.flushIotlb(range);
    pasids.tlb!.flush(range);
  },
  'IOTLB, ADDR with LEAF': ({ domain, pasids }: TestMachine) => {
    const range = { pasid: PASID, first: PAGE };
    domain.nested.flushIotlb({ ...range, leaf: true });
    pasids.tlb!.flush(range);
  },
  'IOTLB, DOMAIN': ({ domain, pasids }: TestMachine) => {
    domain.nested.flushIotlb();
    pasids.tlb!.flush();
  },
  'unbind and bind': ({ domain, pasids }: TestMachine) => {
    const entry = pasids.table.get(PASID)!;
    pasids.table.clear(PASID);
    domain.nested.flushPasidCache(PASID);
    domain.nested.flushIotlb({ pasid: PASID });
    pasids.tlb!.flush({ pasid: PASID });
    pasids.table.set(PASID, entry);
  },
  'everything of the domain': ({ domain, pasids }: TestMachine) => {
    domain.nested.flushAll();
    pasids.tlb!.flush();
  },
};
export const names = Object.keys(requests) as (keyof typeof requests)[];
