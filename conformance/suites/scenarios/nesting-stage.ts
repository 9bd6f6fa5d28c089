import type { Actor, InjectOp, IoctlOp, Machine, Name, Op, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  busMaster,
  dmaIn,
  ioctlNone,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../../programs/build.ts';
import { type GuestTables, guestTables, tableMemory } from '../../programs/guest-tables.ts';
import {
  allocPasid,
  bindTable,
  type DataLayout,
  type InvalidationFields,
  invalidate,
  MARK,
  mark,
  type Table,
  taggedOut,
  unbindTable,
} from '../../programs/nesting-ops.ts';
import { single } from '../suite.ts';

/** A machine whose IOMMUs translate in two stages. */
export const nesting: Machine = { nesting: 'four_levels' };
export const fiveLevels: Machine = { nesting: 'five_levels' };

/** Two groups behind one IOMMU, and behind two: the container has one domain, and two. `h` comes later, and is visited first. */
export const oneDomain: Record<Name, Slot> = { g: single, h: single };
export const twoDomains: Record<Name, Slot> = { g: single, h: { ...single, iommu: 1 } };
/** A device that the IOMMU translates but that is no PCI function. */
export const platform: Slot = { ...single, kind: 'platform' };
/** A mediated device that uses a PCI function's IOMMU, and one without any. */
export const mediated: Slot = { ...single, kind: 'mediated' };
export const emulated: Slot = { ...single, kind: 'emulated' };
/** Devices that cannot send PASIDs, or only short ones. */
export const withoutPasid: Slot = { ...single, pasidBits: 0 };
export const shortPasid: Slot = { ...single, pasidBits: 16 };

const PAGE = 4096;
/** The PASID that programs use, and another one. */
export const PASID = 5;
export const OTHER = 6;
/** Guest physical addresses of the memory `ram` (8 pages) and of the memory `tables`. */
export const RAM = 0x10000;
export const TABLES = 0x100000;
/** Where the first page of `ram` is for a device with a PASID, a multiple of 8 pages; the others follow. */
export const VIRTUAL = 0x123456788000n;
const RAM_PAGES = 8;
/** Page of `ram` that devices write to. */
const TARGET = 4;

/** Address of a page of `ram` for a device with a PASID. */
export const virtualPage = (page: number): bigint => VIRTUAL + BigInt(page * PAGE);

/** Tables of a guest that has all of `ram` in one piece. */
export const wholeRam: GuestTables = guestTables({
  memory: 'tables',
  base: TABLES,
  pages: Array.from({ length: RAM_PAGES }, (_, page) => ({ address: virtualPage(page), to: RAM + page * PAGE })),
});

/** The requests of container c, in the layout that the driver takes. */
export interface Requests {
  layout: DataLayout;
  bind(table?: Partial<Table>): IoctlOp;
  unbind(fields?: Parameters<typeof unbindTable>[2]): IoctlOp;
  /** Of the PASID, unless the request says otherwise. */
  flush(what?: InvalidationFields): IoctlOp;
}

/** What the scenarios about one layout use. */
export const requestsIn = (layout: DataLayout): Requests => ({
  layout,
  bind: (table = {}) => bindTable('c', { pasid: PASID, root: TABLES, ...table }, layout),
  unbind: (fields = {}) => unbindTable('c', PASID, fields, layout),
  flush: (what = {}) => invalidate('c', { pasid: PASID, ...what }, layout),
});

/** Has another container than c do it. */
export const inContainer = (fd: Name, op: IoctlOp): IoctlOp => ({ ...op, fd });

/** Has a process do it. */
export const by = (actor: Actor, ops: Op[]): Op[] => ops.map((op) => ({ ...op, actor }));

/** A container of the nesting type with the group of a slot. */
export const nestingContainer = (container: Name = 'c', slot: Name = 'g', type = 'VFIO_TYPE1_NESTING_IOMMU'): Op[] => [
  openContainer(container),
  openGroup(slot, slot),
  setContainer(slot, container),
  setIommu(container, type),
];

/** The group of a slot joins a container. */
export const join = (slot: Name, container: Name = 'c'): Op[] => [openGroup(slot, slot), setContainer(slot, container)];

/** A group leaves its container, but stays open. */
export const leave = (group: Name): Op => ioctlNone(group, 'VFIO_GROUP_UNSET_CONTAINER');

/** Guest memory of a container: `ram`, of which the first pages are marked, and the tables of `wholeRam`. */
export const guestMemory = (container: Name = 'c'): Op[] => [
  memory('ram', RAM_PAGES),
  ...[0, 1, 2].map((page) => mark('ram', page)),
  map(container, RAM, 'ram', 0, RAM_PAGES),
  tableMemory('tables', wholeRam.count),
  ...wholeRam.ops,
  map(container, TABLES, 'tables', 0, wholeRam.count),
];

/** Opens the device of a slot as `as`; it may transfer, and holds the mark of a page. */
export const readyDevice = (slot: Name, as: Name, page = 0): Op[] => [
  openDevice(slot, slot, as),
  ...busMaster(as),
  dmaIn(as, RAM + page * PAGE, MARK),
];

/** A device writes its mark with the PASID: into `ram`, if it is bound. `nth` distinguishes attempts. */
export const reach = (device: Name, nth = 0, pasid: number = PASID): Op =>
  taggedOut(device, pasid, virtualPage(TARGET) + BigInt(nth * 2 * MARK), MARK);

/** One group and its device d, a PASID, and guest memory. */
export const alone: Op[] = [
  ...nestingContainer(),
  allocPasid('c', 'pasid', PASID, PASID),
  ...guestMemory(),
  ...readyDevice('g', 'd'),
];

/** The groups of g and h and their devices d and e, a PASID, and guest memory; `before` is done before h comes. */
export const together = (before: Op[] = []): Op[] => [
  ...nestingContainer(),
  allocPasid('c', 'pasid', PASID, PASID),
  ...guestMemory(),
  ...before,
  ...join('h'),
  ...readyDevice('g', 'd'),
  ...readyDevice('h', 'e', 1),
];

/** Where both devices get to; before and after something, with different `nth`. */
export const reachBoth = (nth = 0): Op[] => [reach('d', 2 * nth), reach('e', 2 * nth + 1)];

/** The nth call of the next op to the IOMMU driver fails. */
export const driverFails = (nth: number, errno?: string): InjectOp => ({
  op: 'inject',
  fault: 'driver',
  nth,
  ...(errno !== undefined && { errno }),
});

/** Sets how many PASIDs a process may have; the program declares the change with `quotaChange`. */
export const setQuota = (value: number): Op => ({
  op: 'set_parameter',
  module: 'vfio_iommu_type1',
  parameter: 'pasid_quota',
  value: String(value),
});
export const quotaChange = [{ module: 'vfio_iommu_type1', parameter: 'pasid_quota' }];

/** Whether it is defined what BIND of a PASID that nobody has does: with the driver of Linux 5.8 it is not. */
export const definedForUnallocated = ({ driver }: Record<string, string>): boolean => !driver!.startsWith('v5.8');
