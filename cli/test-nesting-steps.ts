import * as build from '../conformance/programs/build.ts';
import * as device from '../conformance/programs/device-ops.ts';
import { entry } from '../conformance/programs/guest-tables.ts';
import * as nesting from '../conformance/programs/nesting-ops.ts';
import * as setup from '../conformance/programs/nesting-setup.ts';
import { definedForUnallocated } from '../conformance/suites/scenarios/nesting-stage.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import type { World } from '../reference/state/state.ts';
import type { IoctlOp, Name, Op } from '../spec/uapi/vocabulary.ts';
import {
  alloc,
  frozen,
  HALF,
  LARGE,
  MARKS,
  OUT,
  openAll,
  PAGE,
  pieces,
  TABLE_PAGES,
  tables,
} from './test-nesting-world.ts';

/** What random choices of a step are made with; the first value is what a shrunken program has. */
export interface Choice {
  world: World;
  actor: Name;
  pick<T>(...values: T[]): T;
  /** True in one of so many cases. */
  rarely(of: number): boolean;
}
/** One op, or a few that belong together. */
export type Step = (choice: Choice, contract: Contract) => Op[];

const container = ({ pick }: Choice): Name => pick('c', 'c', 'k');
const group = ({ pick }: Choice): Name => pick('g', 'h', 'm');
const openDevices = ({ world, actor }: Choice): Name[] => {
  const { names, descriptors } = world.processes.get(actor)!;
  return [...names].filter(([, number]) => descriptors.get(number)?.object.kind === 'device').map(([name]) => name);
};
/** The PASIDs that an open device has tables for. */
function boundOn({ world, actor }: Choice, name: Name): number[] {
  const { names, descriptors } = world.processes.get(actor)!;
  const object = descriptors.get(names.get(name) ?? -1)?.object;
  return object?.kind === 'device' ? [...object.device.pasidTable.keys()] : [];
}
const anyDevice = (choice: Choice): Name => choice.pick(...openDevices(choice), 'g0');

/** Mostly a PASID that somebody has. */
function pasid({ world, pick, rarely }: Choice): number | bigint {
  if (rarely(8)) return pick<number | bigint>(2, 0, 77, 2 ** 20 - 1, 2 ** 20, 2n ** 32n + 1n, 2n ** 64n - 1n);
  return pick(...[...world.pasids.keys()].slice(0, 4), 1);
}

const types = [setup.NESTING, setup.NESTING, setup.NESTING, 'VFIO_TYPE1v2_IOMMU'];

const ranges: [number, number][] = [
  [1, 1000],
  [1, 1],
  [2, 3],
  [1, 2],
];
const oddRanges: [number, number][] = [
  [0, 2],
  [0, 0],
  [5, 4],
  [2 ** 20 - 1, 2 ** 20],
  [2 ** 31, 2 ** 31 + 1],
];

function allocates({ pick, ...choice }: Choice, { parameters }: Contract): Op[] {
  const into = container({ pick, ...choice });
  if (choice.rarely(12) && definedForUnallocated(parameters)) return [frozen(into, pick(HALF, PAGE + 64))];
  // Whether 0 or another number is given cannot be foreseen.
  const odd = definedForUnallocated(parameters) ? oddRanges : oddRanges.slice(1);
  const [min, max] = pick(...(choice.rarely(4) ? odd : ranges));
  return [alloc(into, min, max, mistake(choice.rarely(10), pick, { argsz: [19, 7], flags: [3, 0, 4] }))];
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
  pat: [1],
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
  const what: nesting.InvalidationFields = {
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
      version: [2, 0],
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
  const changed = pick(
    value,
    ...[present, writable, user].map((bit) => value & ~bit),
    value | accessed | dirty,
    value | large,
    (frame ^ 0x1000n) | (value & 0xfffn),
    0n,
  );
  return [table.change(address, level, changed)];
}

const addresses = [
  setup.GUEST,
  setup.GUEST + PAGE,
  setup.GUEST + PAGE - 8,
  LARGE,
  LARGE + PAGE,
  setup.GUEST + 2 * PAGE,
  2n ** 47n,
  2n ** 56n,
];

/** A device reads with a PASID, and shows what; or it writes what it read without one. */
function transfers(choice: Choice): Op[] {
  const { pick, rarely } = choice;
  const by = anyDevice(choice);
  const at = rarely(12) ? pick(...addresses) : pick(...addresses.slice(0, 5));
  const number = rarely(4) ? pasid(choice) : pick(...boundOn(choice, by), 1);
  if (pick(true, false)) return [nesting.taggedIn(by, number, at, nesting.MARK), build.dmaOut(by, OUT, nesting.MARK)];
  return [build.dmaIn(by, MARKS + pick(0, 64, 128), nesting.MARK), nesting.taggedOut(by, number, at, nesting.MARK)];
}

const maps: Step = ({ pick, ...choice }) => {
  const [iova, first, count] = pick(...pieces);
  const flags = pick(build.access.both, build.access.both, build.access.read, build.access.write);
  const from = choice.rarely(4) ? (first + 1) % TABLE_PAGES : first;
  const into = container({ pick, ...choice });
  const map = build.map(into, iova, 'guest', from * PAGE, count, flags);
  return pick(true, false) ? [build.unmap(into, iova, count), map] : [map];
};
const unmaps: Step = (choice) => {
  const [iova, , count] = choice.pick(...pieces);
  return [choice.rarely(8) ? build.unmapAll(container(choice)) : build.unmap(container(choice), iova, count)];
};
const callingDriver: Step[] = [binds, binds, unbinds, invalidates];
const requests: Step[] = [...callingDriver, allocates, frees];

/** A request in which something fails. */
const fails: Step = (choice, contract) => {
  const { pick } = choice;
  const nth = pick(1, 1, 1, 2, 3, 4, 5);
  const fault = pick<'driver' | 'copy' | 'allocation'>('driver', 'driver', 'copy', 'allocation');
  // Where it is not defined what BIND of a PASID without owner does, it has to be known who has which.
  const calling = fault === 'driver' || !definedForUnallocated(contract.parameters);
  const op = pick(...(calling ? callingDriver : requests))(choice, contract);
  const inject: Op = { op: 'inject', fault, nth, ...(fault === 'driver' && { errno: pick('EIO', 'ENXIO', 'EPERM') }) };
  // Where the request is left out, nothing else is to fail.
  return [inject, ...op, { op: 'peek', memory: 'arg', at: 0, length: 1 }];
};

function opens(choice: Choice): Op[] {
  const slot = group(choice);
  return openAll(slot, choice.world.slots.get(slot)!.properties);
}

const quotas = ['2', '0', '1', '3', '1000', '1048576', '1047577', '1046577', '4294967295'];

/** Every kind of step, the frequent ones several times. */
export const steps: Step[] = [
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
