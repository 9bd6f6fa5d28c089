import fc from 'fast-check';
import * as build from '../conformance/build.ts';
import * as device from '../conformance/device-ops.ts';
import { entry, guestTables, tableMemory } from '../conformance/guest-tables.ts';
import * as nesting from '../conformance/nesting-ops.ts';
import * as setup from '../conformance/nesting-setup.ts';
import { Rehearsal } from '../conformance/rehearsal.ts';
import { multi, single } from '../conformance/suite.ts';
import type { Contract } from '../reference/contract.ts';
import type { World } from '../reference/state.ts';
import type { Environment, IoctlOp, Machine, Name, Op, Program, Slot } from '../spec/uapi/vocabulary.ts';

/** Random programs about PASIDs and guest page tables, of two containers, three groups and two processes. */

export const machines: Machine[] = [setup.nestingMachine, setup.fourLevelMachine];

/** What the three groups are. */
export const topologies: Record<Name, Slot>[] = [
  { g: single, h: single, m: multi },
  { g: single, h: setup.behindAnother, m: { ...multi, iommu: 1 } },
  { g: single, h: setup.mediated, m: setup.emulated },
  { g: single, h: setup.narrow, m: setup.untagged },
  { g: single, h: setup.platform, m: setup.behindAnother },
];

const PAGE = 4096;
const TABLE_PAGES = 5;
const SECOND = setup.ROOT + TABLE_PAGES * PAGE;
const DATA = 2 * TABLE_PAGES;
const DATA_PAGES = 4;
const dataAt = (page: number): number => setup.ROOT + (DATA + page) * PAGE;
/** A page of the container's own memory that transfers end in, and one with marks that they begin with. */
const OUT = 0x80000;
const MARKS = 0x81000;
const LARGE = 0x200000;

/** Two tables of five levels for the same addresses; the second table of each is the root of four. */
const tables = [setup.ROOT, SECOND].map((base, i) =>
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
const pieces: [number, number, number][] = [
  [setup.ROOT, 0, TABLE_PAGES],
  [SECOND, TABLE_PAGES, TABLE_PAGES],
  [dataAt(0), DATA, 2],
  [dataAt(2), DATA + 2, 2],
  [LARGE, DATA + 1, 1],
];

const pasidRequest = (bytes: string): string => `14000000${bytes}ffffffff`;
/** ALLOC whose result cannot be written, or only its first half. */
const ALLOC_FROZEN = pasidRequest('010000000900000009000000');
const frozen = (container: Name, at: number): IoctlOp => ({
  op: 'ioctl',
  fd: container,
  number: build.number('VFIO_IOMMU_PASID_REQUEST'),
  argument: { memory: 'frozen', at },
});
const HALF = PAGE - 18;

const setUp: Op[] = [
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

/** What random choices of a step are made with; the first value is what a shrunken program has. */
interface Choice {
  world: World;
  actor: Name;
  pick<T>(...values: T[]): T;
  /** True in one of so many cases. */
  rarely(of: number): boolean;
}
type Step = (choice: Choice, contract: Contract) => Op[];

const container = ({ pick }: Choice): Name => pick('c', 'c', 'k');
const group = ({ pick }: Choice): Name => pick('g', 'h', 'm');
const openDevices = ({ world, actor }: Choice): Name[] => {
  const { names, descriptors } = world.processes.get(actor)!;
  return [...names].filter(([, number]) => descriptors.get(number)?.object.kind === 'device').map(([name]) => name);
};
const anyDevice = (choice: Choice): Name => choice.pick(...openDevices(choice), 'g0');

/** Mostly a PASID that somebody has. */
function pasid({ world, pick, rarely }: Choice): number | bigint {
  if (rarely(8)) return pick<number | bigint>(2, 0, 77, 2 ** 20 - 1, 2 ** 20, 2n ** 32n + 1n, 2n ** 64n - 1n);
  return pick(...[...world.pasids.keys()].slice(0, 4), 1);
}

const openAll = (slot: Name, { devices }: Slot): Op[] =>
  Array.from({ length: devices }, (_, index) => `${slot}${index}`).flatMap((as, index): Op[] => [
    { op: 'open', what: 'device', group: slot, slot, device: index, as },
    ...build.busMaster(as),
  ]);
const mapAll = (into: Name): Op[] => [
  ...pieces.map(([iova, first, count]) => build.map(into, iova, 'guest', first * PAGE, count)),
  build.map(into, OUT, 'out', 0, 1),
  build.map(into, MARKS, 'marks', 0, 1),
];
const types = ['VFIO_TYPE1_NESTING_IOMMU', 'VFIO_TYPE1_NESTING_IOMMU', 'VFIO_TYPE1_NESTING_IOMMU', 'VFIO_TYPE1v2_IOMMU'];

function allocates({ pick, ...choice }: Choice): Op[] {
  const into = container({ pick, ...choice });
  if (choice.rarely(12)) return [frozen(into, pick(HALF, PAGE + 64))];
  const [min, max] = pick<[number, number]>(
    ...([[1, 1000], [1, 1], [2, 3], [1, 2]] as [number, number][]),
    ...(choice.rarely(3) ? ([[0, 0], [0, 2], [5, 4], [2 ** 20 - 1, 2 ** 20], [2 ** 31, 2 ** 31 + 1]] as [number, number][]) : []),
  );
  const { save, ...op } = nesting.allocPasid(into, 'pasid', min, max, mistake(choice.rarely(10), pick, { argsz: [19, 7], flags: [3, 0, 4] }));
  return [op];
}

function frees(choice: Choice): Op[] {
  return [nesting.freePasid(container(choice), Number(BigInt.asUintN(32, BigInt(pasid(choice)))))];
}

/** One field that is not as it should be, or none. */
function mistake(wrong: boolean, pick: Choice['pick'], fields: Record<string, (number | bigint)[]>): object {
  if (!wrong) return {};
  const name = pick(...Object.keys(fields));
  return { [name]: pick(...fields[name]!) };
}

const bindMistakes = {
  argsz: [79, 8, 7],
  flags: [0, 3, 5, 6],
  data_argsz: [71, 56, 55],
  version: [2, 0],
  format: [0, 2],
  data_flags: [2],
  padding_0: [1],
  padding_8: [1],
  padding_4: [1],
  vtd_flags: [1, 2, 4, 0x40],
  addr_width: [57, 47],
  gpgd: [2n ** 48n, 2n ** 47n, 2n ** 64n - 1n, 0],
};
const cut = ({ pick, rarely }: Choice, op: IoctlOp): IoctlOp =>
  rarely(20) ? nesting.cutOff(op, pick(79, 8, 7, 11, 12, 20, 40, 55, 56, 63, 64)) : op;

function binds(choice: Choice, { parameters }: Contract): Op[] {
  const { pick, rarely } = choice;
  const levels = rarely(4) ? 5 : 4;
  const { root } = pick(...tables);
  const fields = {
    ...(rarely(3) && { data_flags: 1, gpasid: pick(1, 2) }),
    ...mistake(rarely(5), pick, bindMistakes),
  };
  const table = { pasid: pasid(choice), root: levels === 5 ? root : root + BigInt(PAGE), levels, ...fields } as const;
  return [cut(choice, nesting.bindTable(container(choice), table, nesting.layoutOf(parameters)))];
}

function unbinds(choice: Choice, { parameters }: Contract): Op[] {
  const fields = mistake(choice.rarely(6), choice.pick, bindMistakes);
  return [cut(choice, nesting.unbindTable(container(choice), pasid(choice), fields, nesting.layoutOf(parameters)))];
}

function invalidates(choice: Choice, { parameters }: Contract): Op[] {
  const { pick, rarely } = choice;
  const how = pick<number>(nesting.granularity.pasid, nesting.granularity.address, nesting.granularity.domain);
  const what: nesting.Invalidation = {
    cache: pick(1, 1, 1, 2, 3, 4, 5, 6, 7, 0, ...(rarely(6) ? [8] : [])),
    granularity: rarely(20) ? 3 : how,
    ...(!rarely(8) && { pasid: pasid(choice) }),
    ...(how === nesting.granularity.address && {
      addr: pick<number | bigint>(setup.GUEST, setup.GUEST + PAGE, LARGE, 0, setup.GUEST + 8, 2n ** 64n - 4096n),
      pages: pick(1, 2, 3, 0, 512),
      leaf: rarely(3),
    }),
    ...mistake(rarely(8), pick, {
      argsz: [55, 7],
      flags: [1],
      data_argsz: [55, 31, 15],
      version: [2],
      padding: [1],
      padding_0: [1],
      info_flags: [8, 2, 3],
      archid: [1],
      nb_granules: [2n ** 52n, 2n ** 63n],
      granule_size: [1, 8192],
    }),
  };
  return [cut(choice, nesting.invalidate(container(choice), what, nesting.layoutOf(parameters)))];
}

/** An entry is changed, or put back. */
function changesEntry({ pick }: Choice): Op[] {
  const table = pick(...tables);
  const address = pick(setup.GUEST, setup.GUEST + PAGE, LARGE);
  const level = pick(...(address === LARGE ? [2, 3, 4, 5] : [1, 2, 3, 4, 5]));
  const value = table.value(address, level);
  const { present, writable, user, accessed, dirty, large } = entry;
  const frame = value & ~0xfffn;
  const changed = pick(value, ...[present, writable, user].map((bit) => value & ~bit), value | accessed | dirty, value | large, frame ^ 0x1000n | (value & 0xfffn), 0n);
  return [table.change(address, level, changed)];
}

const addresses = [setup.GUEST, setup.GUEST + PAGE, setup.GUEST + PAGE - 8, LARGE, LARGE + PAGE, setup.GUEST + 2 * PAGE, 2n ** 47n, 2n ** 56n];

/** A device reads with a PASID, and shows what; or it writes what it read without one. */
function transfers(choice: Choice): Op[] {
  const { pick, rarely } = choice;
  const by = anyDevice(choice);
  const at = rarely(12) ? pick(...addresses) : pick(...addresses.slice(0, 5));
  const number = pasid(choice);
  if (pick(true, false)) return [nesting.taggedIn(by, number, at, nesting.MARK), build.dmaOut(by, OUT, nesting.MARK)];
  return [build.dmaIn(by, MARKS + pick(0, 64, 128), nesting.MARK), nesting.taggedOut(by, number, at, nesting.MARK)];
}

const maps: Step = ({ pick, ...choice }) => {
  const [iova, first, count] = pick(...pieces);
  const flags = pick(build.access.both, build.access.both, build.access.read, build.access.write);
  const from = choice.rarely(4) ? (first + 1) % TABLE_PAGES : first;
  return [build.map(container({ pick, ...choice }), iova, 'guest', from * PAGE, count, flags)];
};
const unmaps: Step = (choice) => {
  const [iova, , count] = choice.pick(...pieces);
  return [choice.rarely(8) ? build.unmapAll(container(choice)) : build.unmap(container(choice), iova, count)];
};
const requests: Step[] = [binds, binds, unbinds, invalidates, allocates, frees];

/** What fails in the next op. */
const fails: Step = (choice, contract) => {
  const { pick } = choice;
  const nth = pick(1, 2, 3, 4, 5);
  const fault = pick<'driver' | 'copy' | 'allocation'>('driver', 'driver', 'copy', 'allocation');
  const op = pick(...requests)(choice, contract);
  return [{ op: 'inject', fault, nth, ...(fault === 'driver' && { errno: pick('EIO', 'ENXIO', 'EPERM') }) }, ...op];
};

function opens(choice: Choice): Op[] {
  const slot = group(choice);
  return openAll(slot, choice.world.slots.get(slot)!.properties);
}

const quotas = ['2', '0', '1', '3', '1000', '1048576', '1047577', '1046577', '4294967295'];

/** Every kind of step, the frequent ones several times. */
const steps: Step[] = [
  ...[binds, binds, binds, unbinds, unbinds],
  ...Array<Step>(8).fill(transfers),
  ...[invalidates, invalidates, invalidates, changesEntry, changesEntry, changesEntry],
  ...[allocates, allocates, allocates, frees, frees],
  ...[fails, fails, maps, maps, unmaps],
  (choice) => [build.setContainer(group(choice), container(choice))],
  (choice) => [build.setContainer(group(choice), container(choice))],
  (choice) => [build.ioctlNone(group(choice), 'VFIO_GROUP_UNSET_CONTAINER')],
  (choice) => [build.setIommu(container(choice), choice.pick(...types))],
  opens,
  (choice) => [build.close(anyDevice(choice))],
  (choice) => openDevices(choice).map((name) => build.close(name)),
  (choice) => [device.readConfig(anyDevice(choice), 0x100, 0x28, 64)],
  (choice) => [nesting.nestingInfo(container(choice), 'info')],
  ({ pick }) => [{ op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'pasid_quota', value: pick(...quotas) }],
  (choice) => [{ op: 'plug', slot: group(choice) }],
  (choice) => (choice.rarely(3) ? [build.close(group(choice))] : [build.openGroup(group(choice), group(choice))]),
  (choice) => [build.close(container(choice))],
  (choice) => [build.openContainer(container(choice))],
  ({ actor }) => (actor === 'main' ? [{ op: 'fork', as: 'child' }] : []),
  ({ actor, rarely }) => (actor === 'child' && rarely(3) ? [{ op: 'exit' }] : []),
];

/** A container of the nesting type with groups, all their devices and the guest's memory, and a PASID. */
function joined(slots: Record<Name, Slot>, into: Name, ...groups: Name[]): Op[] {
  const { save, ...alloc } = nesting.allocPasid(into, 'pasid');
  return [
    ...groups.map((one) => build.setContainer(one, into)),
    build.setIommu(into, setup.NESTING),
    ...mapAll(into),
    ...groups.flatMap((one) => openAll(one, slots[one]!)),
    alloc,
  ];
}

const byChild = (ops: Op[]): Op[] => [{ op: 'fork', as: 'child' }, ...ops.map((op) => ({ ...op, actor: 'child' }))];
/** Starts from which most steps do something. */
const starts: ((slots: Record<Name, Slot>) => Op[])[] = [
  (slots) => joined(slots, 'c', 'g'),
  (slots) => joined(slots, 'c', 'g', 'h'),
  (slots) => joined(slots, 'c', 'm'),
  (slots) => joined(slots, 'c', 'g', 'h', 'm'),
  (slots) => [...joined(slots, 'c', 'g'), ...joined(slots, 'k', 'h')],
  (slots) => [...joined(slots, 'c', 'g'), ...byChild(joined(slots, 'k', 'h'))],
  (slots) => joined(slots, 'c', 'h'),
  () => [],
];

/** What a program is made of: which topology and start, and for each step its kind and its random choices. */
export interface Plan {
  machine: number;
  topology: number;
  start: number;
  steps: { step: Step; dice: number[] }[];
}

export const plan: fc.Arbitrary<Plan> = fc.record({
  machine: fc.nat(machines.length - 1),
  topology: fc.nat(topologies.length - 1),
  start: fc.nat(starts.length - 1),
  steps: fc.array(
    fc.record({ step: fc.constantFrom(...steps), dice: fc.array(fc.nat(5039), { minLength: 12, maxLength: 12 }) }),
    { minLength: 5, maxLength: 40, size: 'max' },
  ),
});

/** The program of a plan: steps choose from what there is by then; what names nothing, or is not decided by the contract, is left out. */
export function programOf({ machine, topology, start, steps: chosen }: Plan, contract: Contract, environment: Environment): Program {
  const slots = topologies[topology]!;
  const rehearsal = new Rehearsal(contract, environment, slots);
  const perform = (op: Op) => {
    if (rehearsal.possible(op)) rehearsal.perform(op);
  };
  for (const op of [...setUp, ...starts[start]!(slots)]) perform(op);
  for (const { step, dice } of chosen) {
    let at = 0;
    const next = () => dice[at++ % dice.length]!;
    const actor = next() % 4 === 3 && rehearsal.world.processes.has('child') ? 'child' : 'main';
    const choice: Choice = {
      world: rehearsal.world,
      actor,
      pick: (...values) => values[next() % values.length]!,
      rarely: (of) => next() % of === of - 1,
    };
    for (const op of step(choice, contract)) perform(actor === 'main' ? op : { ...op, actor });
  }
  rehearsal.world.release();
  return {
    id: 'random',
    topology: { machine: machines[machine]!, slots },
    changes: [{ module: 'vfio_iommu_type1', parameter: 'pasid_quota' }],
    ops: rehearsal.ops,
  };
}
