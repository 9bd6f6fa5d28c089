import type { Machine, Name, Op, Slot } from '../../spec/uapi/vocabulary.ts';
import { single } from '../suites/suite.ts';
import { map, openGroup, setContainer } from './build.ts';
import { guestTables, tableMemory } from './guest-tables.ts';
import { mark } from './nesting-ops.ts';

/** The machine whose IOMMUs walk guest tables of four and of five levels. */
export const nestingMachine: Machine = { nesting: 'five_levels', addressBits: 48 };
/** The one whose IOMMUs walk four. */
export const fourLevelMachine: Machine = { nesting: 'four_levels', addressBits: 48 };

export const NESTING = 'VFIO_TYPE1_NESTING_IOMMU';

/** Slots of every kind. */
export const behindAnother: Slot = { ...single, iommu: 1 };
export const narrow: Slot = { ...single, pasidBits: 16 };
export const withoutPasid: Slot = { ...single, pasidBits: 0 };
export const platform: Slot = { ...single, kind: 'platform' };
export const mediated: Slot = { ...single, kind: 'mediated' };
export const emulated: Slot = { ...single, kind: 'emulated' };

/** Where set-ups have the root of the guest table: what BIND names if nothing else is said. */
export const ROOT = 0x10000;
/** Address of the first page of the guest for a device with a PASID; the other follows. */
export const GUEST = 0x3000;

const GUEST_PAGES = 2;
const TABLE_PAGES = 4;
const tables = guestTables({
  memory: 'guest',
  base: ROOT,
  pages: Array.from({ length: GUEST_PAGES }, (_, i) => ({
    address: GUEST + i * 4096,
    to: ROOT + (TABLE_PAGES + i) * 4096,
  })),
});

/** Byte of the memory `guest` at which its pages start, after the tables. */
export const DATA = TABLE_PAGES * 4096;

/** The memory `guest`: a guest table of four levels, and pages that tell which they are. */
export const guestMemory: Op[] = [
  tableMemory('guest', TABLE_PAGES + GUEST_PAGES),
  ...tables.ops,
  ...Array.from({ length: GUEST_PAGES }, (_, i) => mark('guest', TABLE_PAGES + i)),
];

/** Gives a container that memory. */
export const mapGuest = (container: Name): Op => map(container, ROOT, 'guest', 0, TABLE_PAGES + GUEST_PAGES);

/** Opens groups of the names of their slots and attaches them, in this order. */
export const attach = (container: Name, ...groups: Name[]): Op[] =>
  groups.flatMap((group) => [openGroup(group, group), setContainer(group, container)]);
