import * as build from '../conformance/programs/build.ts';
import { guestTables, tableMemory } from '../conformance/programs/guest-tables.ts';
import * as nesting from '../conformance/programs/nesting-ops.ts';
import * as setup from '../conformance/programs/nesting-setup.ts';
import { multi, single } from '../conformance/suites/suite.ts';
import type { IoctlOp, Machine, Name, Op, Slot } from '../spec/uapi/vocabulary.ts';

/** Where random programs about PASIDs and guest page tables take place: two containers, three groups, two processes. */

export const machines: Machine[] = [setup.nestingMachine, setup.fourLevelMachine];

/** What the three groups are. */
export const topologies: Record<Name, Slot>[] = [
  { g: single, h: single, m: multi },
  { g: single, h: setup.behindAnother, m: { ...multi, iommu: 1 } },
  { g: single, h: setup.mediated, m: setup.emulated },
  { g: single, h: setup.narrow, m: setup.withoutPasid },
  { g: single, h: setup.platform, m: setup.behindAnother },
];

export const PAGE = 4096;
export const TABLE_PAGES = 5;
const SECOND = setup.ROOT + TABLE_PAGES * PAGE;
const DATA = 2 * TABLE_PAGES;
const DATA_PAGES = 4;
const dataAt = (page: number): number => setup.ROOT + (DATA + page) * PAGE;
/** A page of the container's own memory that transfers end in, and one with marks that they begin with. */
export const OUT = 0x80000;
export const MARKS = 0x81000;
export const LARGE = 0x200000;

/** Two tables of five levels for the same addresses; the second table of each is the root of four. */
export const tables = [setup.ROOT, SECOND].map((base, i) =>
  guestTables({
    memory: 'guest',
    at: i * TABLE_PAGES * PAGE,
    base,
    levels: 5,
    pages: [
      { address: setup.GUEST, to: dataAt(2 * i) },
      { address: setup.GUEST + PAGE, to: dataAt(2 * i + 1) },
      { address: LARGE, to: LARGE, level: 2 },
    ],
  }),
);

/** What of the memory `guest` containers map, as [iova, first page, pages]. */
export const pieces: [number, number, number][] = [
  [setup.ROOT, 0, TABLE_PAGES],
  [SECOND, TABLE_PAGES, TABLE_PAGES],
  [dataAt(0), DATA, 2],
  [dataAt(2), DATA + 2, 2],
  [LARGE, DATA + 1, 1],
];

const pasidRequest = (bytes: string): string => `14000000${bytes}ffffffff`;
/** ALLOC whose result cannot be written, or only its first half. */
const ALLOC_FROZEN = pasidRequest('0100000001000000e8030000');
export const frozen = (container: Name, at: number): IoctlOp => ({
  op: 'ioctl',
  fd: container,
  number: build.number('VFIO_IOMMU_PASID_REQUEST'),
  argument: { memory: 'frozen', at },
});
export const HALF = PAGE - 18;

export const setUp: Op[] = [
  build.memory('arg', 1),
  build.memory('out', 1),
  build.memory('marks', 1),
  build.memory('info', 1),
  build.memory('frozen', 2),
  { op: 'poke', memory: 'frozen', at: HALF, bytes: ALLOC_FROZEN },
  { op: 'poke', memory: 'frozen', at: PAGE + 64, bytes: ALLOC_FROZEN },
  { op: 'protect', memory: 'frozen', at: PAGE, length: PAGE, protection: 'read' },
  tableMemory('guest', DATA + DATA_PAGES),
  ...tables.flatMap(({ ops }) => ops),
  ...Array.from({ length: DATA_PAGES }, (_, page) => nesting.mark('guest', DATA + page)),
  ...['c', 'k'].map(build.openContainer),
  ...['g', 'h', 'm'].map((group) => build.openGroup(group, group)),
];

export const openAll = (slot: Name, { devices }: Slot): Op[] =>
  Array.from({ length: devices }, (_, index) => `${slot}${index}`).flatMap((as, index): Op[] => [
    { op: 'open', what: 'device', group: slot, slot, device: index, as },
    ...build.busMaster(as),
  ]);
const mapAll = (into: Name): Op[] => [
  ...pieces.map(([iova, first, count]) => build.map(into, iova, 'guest', first * PAGE, count)),
  build.map(into, OUT, 'out', 0, 1),
  build.map(into, MARKS, 'marks', 0, 1),
];
/** ALLOC whose result has no name. */
export function alloc(into: Name, min: number, max: number, fields = {}): IoctlOp {
  const { save, ...op } = nesting.allocPasid(into, 'pasid', min, max, fields);
  return op;
}

/** A container of the nesting type with groups, all their devices and the guest's memory, and a PASID that is bound. */
function joined(
  slots: Record<Name, Slot>,
  layout: nesting.DataLayout,
  into: Name,
  number: number,
  ...groups: Name[]
): Op[] {
  return [
    ...groups.map((one) => build.setContainer(one, into)),
    // Does nothing where another type was chosen before.
    build.setIommu(into, setup.NESTING),
    ...mapAll(into),
    alloc(into, number, number),
    nesting.bindTable(into, { pasid: number, root: setup.ROOT + PAGE }, layout),
    ...groups.flatMap((one) => openAll(one, slots[one]!)),
  ];
}

const byChild = (ops: Op[]): Op[] => [{ op: 'fork', as: 'child' }, ...ops.map((op) => ({ ...op, actor: 'child' }))];
/** Starts from which most steps do something. */
export const starts: ((slots: Record<Name, Slot>, layout: nesting.DataLayout) => Op[])[] = [
  (slots, layout) => joined(slots, layout, 'c', 1, 'g'),
  (slots, layout) => joined(slots, layout, 'c', 1, 'g', 'h'),
  (slots, layout) => joined(slots, layout, 'c', 1, 'm'),
  (slots, layout) => joined(slots, layout, 'c', 1, 'g', 'h', 'm'),
  (slots, layout) => [...joined(slots, layout, 'c', 1, 'g'), ...joined(slots, layout, 'k', 2, 'h')],
  (slots, layout) => [...joined(slots, layout, 'c', 1, 'g'), ...byChild(joined(slots, layout, 'k', 2, 'h'))],
  (slots, layout) => joined(slots, layout, 'c', 1, 'h'),
  (slots, layout) => [
    build.setContainer('m', 'c'),
    build.setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
    ...joined(slots, layout, 'c', 1, 'g'),
  ],
  () => [],
];
