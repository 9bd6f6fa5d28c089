import type { Expectation } from '../reference/interpreter/expectation.ts';
import { type Container, domainOf, membersOf, type World } from '../reference/state/state.ts';
import { type Bindings, devicesByName } from '../reference/state/state-key.ts';
import { toBigInt } from '../spec/uapi/integer.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { Op } from '../spec/uapi/vocabulary.ts';
import { countRemembered, type Reach, reachOf } from './reach.ts';
import type { CheckedRequest } from './request.ts';
import { rootName, type StateDescription } from './state-key.ts';
import type { CheckStep } from './step.ts';
import type { CheckWorld } from './worlds.ts';

/** A state, and what was promised about it: the bindings that successful requests have made and that none has ended. */
export interface Snapshot extends StateDescription {
  checked: CheckWorld;
  world: World;
  promised: Bindings;
}

/** A step from one state to another. */
export interface CheckTransition {
  step: CheckStep;
  /** The ops that were made, and the choices that were open in them. */
  ops: Op[];
  choices: readonly number[];
  /** The op that counts, and what the contract says of it. */
  op: Op;
  expectation: Expectation;
  before: Snapshot;
  after: Snapshot;
}

/** What an invariant says of something: undefined where it does not apply, '' where it is kept, else what is wrong. */
type Finding = string | undefined;

const KEPT = '';

/** Whether an op was carried out. */
export const succeeded = ({ outcome }: Expectation): boolean => outcome.kind === 'value' && outcome.value === 0;

/** The container that a process of the world knows by a name; undefined once it is closed. */
export function containerNamed(world: World, name: string): Container | undefined {
  for (const { names, descriptors } of world.processes.values()) {
    const number = names.get(name);
    const object = number === undefined ? undefined : descriptors.get(number)?.object;
    if (object?.kind === 'container') return object;
  }
  return undefined;
}

/** `slot.index` of every device of a container. */
export const devicesIn = ({ groups }: Container): string[] =>
  [...groups].flatMap((group) => membersOf(group).map((_, i) => `${group.slot.name}.${i}`));

/** Invariants of single states. */
export const ofStates: Record<string, (state: Snapshot) => Finding> = {
  I2: ({ world, bindings }) => {
    let applies = false;
    for (const container of containersOf(world)) {
      const devices = devicesIn(container);
      for (const pasid of new Set([...bindings.keys()].map((key) => key.split(' ')[1]!))) {
        const bound = devices.filter((device) => bindings.has(`${device} ${pasid}`));
        if (bound.length === 0) continue;
        applies = true;
        const others = devices.filter((device) => !bound.includes(device));
        if (others.length > 0) return `PASID ${pasid} is bound on ${bound.join(', ')} and not on ${others.join(', ')}.`;
        const roots = new Set(bound.map((device) => bindings.get(`${device} ${pasid}`)));
        if (roots.size > 1)
          return `PASID ${pasid} names the ${[...roots].join(' table on one device and the ')} on another.`;
      }
    }
    return applies ? KEPT : undefined;
  },
  I3: ({ bindings, promised }) => {
    for (const [key, root] of bindings) {
      const [device, pasid] = key.split(' ');
      const by = promised.get(key);
      if (by !== root)
        return `${device} translates with PASID ${pasid} by the ${root} table, ${by ? `and the last BIND that succeeded named the ${by} one` : 'and no request that succeeded says so any more'}.`;
    }
    return bindings.size > 0 ? KEPT : undefined;
  },
  I4: ({ world, bindings }) => {
    const pairs = [...bindings.keys()].map((key) => key.split(' '));
    for (const container of containersOf(world)) {
      const devices = devicesIn(container);
      for (const [, pasid] of pairs) {
        const bound = pairs.filter(([device, other]) => other === pasid && devices.includes(device!));
        if (bound.length > 1) return `PASID ${pasid} is bound on ${bound.map(([device]) => device).join(' and ')}.`;
      }
    }
    return pairs.length > 0 ? KEPT : undefined;
  },
  I5: ({ checked, world }) =>
    checked.parties.some(({ container }) => !containerNamed(world, container)?.backend) ? leftOver(world) : undefined,
  I6: ({ world, bindings }) => {
    for (const key of bindings.keys()) {
      const [device, number] = key.split(' ') as [string, string];
      const pasid = world.pasids.get(Number(number));
      const group = world.slots.get(device.split('.')[0]!)!.group;
      if (!pasid) return `PASID ${number} is bound on ${device} and not allocated.`;
      const owner = group.container?.backend?.owner;
      if (pasid.owner !== owner)
        return `PASID ${number} is bound on ${device} and belongs to ${pasid.owner.process.name}, not to ${owner?.process.name ?? 'anybody there'}.`;
    }
    return bindings.size > 0 ? KEPT : undefined;
  },
};

function containersOf(world: World): Container[] {
  const containers = [...world.slots.values()].flatMap(({ group }) => group.container ?? []);
  return [...new Set(containers)].filter(({ backend }) => backend);
}

/** What should have ended with a container. */
function leftOver(world: World): string {
  const backends = new Set(containersOf(world).map(({ backend }) => backend!));
  for (const [name, device] of devicesByName(world)) {
    const group = world.slots.get(name.split('.')[0]!)!.group;
    if (group.container?.backend) continue;
    if (device.pasidTable.size > 0) return `${name} is in no container, and still translates with PASIDs.`;
    if (device.tlb.translations().length > 0) return `${name} is in no container, and still has cached translations.`;
    for (const [pasid, { bound }] of world.pasids)
      if (bound?.devices.has(device)) return `${name} is in no container, and still counts as bound to PASID ${pasid}.`;
  }
  for (const [pasid, { owner }] of world.pasids)
    if (![...backends].some((backend) => backend.owner === owner))
      return `PASID ${pasid} of ${owner.process.name}, which has no container any more, is still allocated.`;
  for (const process of world.processes.values()) {
    const charged = [...backends]
      .flatMap(({ mappings }) => [...mappings])
      .filter((mapping) => mapping.charged.process === process)
      .reduce((sum, mapping) => sum + mapping.charged.pages, 0);
    if (process.lockedPages !== charged)
      return `${process.lockedPages - charged} pages of ${process.name} stay locked for nothing.`;
  }
  return KEPT;
}

/** Ioctls of the container that promise 0 or a negative errno. */
const type1 = new Set(
  Object.entries(uapi.ioctls)
    .filter(([name, { fd }]) => fd === 'container' && name.startsWith('VFIO_IOMMU_'))
    .map(([, { number }]) => BigInt(number)),
);

/** The last errno that user space has a name for. */
const LAST_PUBLIC_ERRNO = 133;

/** Invariants of steps. */
export const ofSteps: Record<string, (transition: CheckTransition) => Finding> = {
  I1: ({ step: { act }, expectation, before, after }) => {
    if (act.kind !== 'request' || succeeded(expectation)) return undefined;
    return before.pasids === after.pasids ? KEPT : `The request fails, and ${changeOf(before, after)}.`;
  },
  I7: ({ step: { act }, op, expectation, before, after }) => {
    if (op.op !== 'ioctl' || !succeeded(expectation) || cachedOf(before.world, act) === 0) return undefined;
    const left = leftBy(act, after);
    if (left) return left;
    const older = reachOf(after.world).find((reach) => isOlder(reach, act, before, after));
    if (older)
      return `${older.device} may still use an older translation of 0x${older.address.toString(16)} with PASID ${older.pasid}.`;
    return ends(act) ? KEPT : undefined;
  },
  I8: ({ step: { act }, op, expectation: { outcome } }) => {
    if (op.op !== 'ioctl' || !type1.has(toBigInt(op.number))) return undefined;
    switch (outcome.kind) {
      case 'undefined':
        return act.kind === 'request' ? 'Nobody can say what the ioctl returns, and what it does.' : undefined;
      case 'errno': {
        const number = uapi.errnos[outcome.errno];
        return number !== undefined && number <= LAST_PUBLIC_ERRNO
          ? KEPT
          : `The ioctl fails with errno ${number ?? outcome.errno}, for which user space has no name.`;
      }
      case 'range':
        return `The ioctl returns ${outcome.first} to ${outcome.last}.`;
      case 'value':
        return outcome.value === 0 ? KEPT : `The ioctl returns ${outcome.value}.`;
      case 'fd':
      case 'one_of':
        return KEPT;
      default:
        return outcome satisfies never;
    }
  },
  I10: ({ step: { act }, before, after }) => {
    const bound = before.bindings.size + after.bindings.size > 0;
    const named = act.kind === 'request' && bound ? pasidOf(act.request) : undefined;
    if (named === undefined) return undefined;
    const suffix = ` ${named}`;
    let applies = false;
    for (const key of new Set([...before.bindings.keys(), ...after.bindings.keys()])) {
      if (key.endsWith(suffix)) continue;
      applies = true;
      const [was, is] = [before.bindings.get(key), after.bindings.get(key)];
      if (was === is) continue;
      const what = is === undefined ? 'gone' : was === undefined ? 'new' : 'another one';
      return `The request names PASID ${named}, and the binding of ${key.replace(' ', ' to PASID ')} is ${what}.`;
    }
    return applies ? KEPT : undefined;
  },
  I11: ({ step: { act }, expectation, after }) => {
    if (act.kind !== 'request' || act.request.kind !== 'unbind' || !act.request.wellFormed) return undefined;
    const { container: name, pasid } = act.request;
    const container = containerNamed(after.world, name);
    if (!container?.backend?.nesting) return undefined;
    const bound = devicesIn(container).filter((device) => after.bindings.has(`${device} ${pasid}`));
    if (bound.length > 0) return `After UNBIND PASID ${pasid} is still bound on ${bound.join(' and ')}.`;
    return succeeded(expectation) ? KEPT : 'UNBIND fails.';
  },
};

/** What a step has changed about PASIDs and bindings, in words. */
function changeOf(before: Snapshot, after: Snapshot): string {
  const bound = (key: string): string => key.split(' ').join(' to PASID ');
  const words: string[] = [];
  for (const key of before.bindings.keys())
    if (!after.bindings.has(key)) words.push(`the binding of ${bound(key)} is gone`);
  for (const key of after.bindings.keys())
    if (!before.bindings.has(key)) words.push(`there is a binding of ${bound(key)}`);
  for (const pasid of before.world.pasids.keys())
    if (!after.world.pasids.has(pasid)) words.push(`PASID ${pasid} is free`);
  for (const pasid of after.world.pasids.keys())
    if (!before.world.pasids.has(pasid)) words.push(`PASID ${pasid} is taken`);
  if (after.world.lostPasids.length > before.world.lostPasids.length) words.push('a PASID is taken that nobody knows');
  return words.length > 0 ? words.join(', ') : 'what the driver keeps about bindings has changed';
}

/** The PASID that a request names, as a number of 64 bits; undefined for one that names several or none. */
export function pasidOf(request: CheckedRequest): bigint | undefined {
  if (request.kind === 'invalidate') return request.flush.pasid;
  if (request.kind === 'alloc') return request.pasid === request.max ? request.pasid : undefined;
  return request.pasid;
}

/** Whether a step ends translations. */
function ends(act: CheckStep['act']): boolean {
  if (act.kind === 'request')
    return act.request.kind === 'invalidate'
      ? act.request.flush.deviceTlb
      : ['unbind', 'free'].includes(act.request.kind);
  return act.kind === 'unmap' || act.kind === 'leave';
}

/** Whether a device may use a translation that a step has ended, or that had ended when the step bound it. */
function isOlder(reach: Reach, act: CheckStep['act'], before: Snapshot, { world }: Snapshot): boolean {
  const { group, device, pasid, address, now, byDevice, byPages, byEntries } = reach;
  const differs = (page: Reach['now']) => page !== now;
  if (act.kind === 'unmap') {
    const container = containerNamed(world, act.container);
    if (group.container !== container) return false;
    const mapped = new Set([...(container?.backend?.mappings ?? [])].flatMap(({ pages }) => pages));
    return [...byDevice, ...byPages, ...byEntries].some((page) => !mapped.has(page));
  }
  if (act.kind !== 'request') return false;
  const { request } = act;
  if (group.container !== containerNamed(world, request.container)) return false;
  if (request.kind === 'bind')
    return (
      request.pasid === BigInt(pasid) &&
      !before.bindings.has(`${device} ${pasid}`) &&
      [...byDevice, ...byPages, ...byEntries].some(differs)
    );
  if (request.kind !== 'invalidate') return false;
  const { flush } = request;
  if (flush.pasid !== undefined && flush.pasid !== BigInt(pasid)) return false;
  if (flush.range && (address + 4095n < flush.range.first || address >= flush.range.end)) return false;
  // What its IOMMU still has cached, a device may ask for again.
  const elsewhere = flush.iotlb ? [] : [...byPages, ...byEntries];
  const covered = [
    ...(flush.deviceTlb ? byDevice.filter((page) => !elsewhere.includes(page)) : []),
    ...(flush.iotlb ? byPages : []),
    ...(flush.iotlb && !flush.leaf ? byEntries : []),
  ];
  return covered.some(differs);
}

/** What should be invalidated once UNBIND, FREE or leaving succeeded: of devices that are not bound any more. */
function leftBy(act: CheckStep['act'], { world }: Snapshot): string | undefined {
  const request = act.kind === 'request' && ['unbind', 'free'].includes(act.request.kind) ? act.request : undefined;
  if (!request && act.kind !== 'leave') return undefined;
  const named = request && pasidOf(request);
  const container = request?.kind === 'unbind' ? containerNamed(world, request.container) : undefined;
  const covers = (pasid: number) => named === undefined || BigInt(pasid) === named;
  for (const { name, group } of world.slots.values()) {
    if (act.kind === 'leave' ? name !== act.group : container && group.container !== container) continue;
    const members = membersOf(group);
    for (const [i, { tlb }] of members.entries()) {
      const one = tlb.translations().find(({ pasid }) => covers(pasid));
      if (one) return `${name}.${i} still has cached a translation of PASID ${one.pasid}.`;
    }
    // A domain caches for all of its devices, of which some may still be bound.
    const domain = domainOf(group);
    const bound = (pasid: number) =>
      domain?.groups.some((other) => membersOf(other).some(({ pasidTable }) => pasidTable.has(pasid)));
    const one = domain?.cache.translations().find(({ pasid }) => covers(pasid) && !bound(pasid));
    if (one) return `The IOMMU of ${name} still has cached a translation of PASID ${one.pasid}.`;
  }
  return undefined;
}

/** How many translations may be cached of what a step is about. */
function cachedOf(world: World, act: CheckStep['act']): number {
  switch (act.kind) {
    case 'request': {
      const pasid = pasidOf(act.request);
      return countRemembered(
        world,
        containerNamed(world, act.request.container),
        pasid === undefined ? undefined : Number(pasid),
      );
    }
    case 'unmap':
      return countRemembered(world, containerNamed(world, act.container));
    case 'leave':
      return countRemembered(world);
    default:
      return 0;
  }
}

/** What is promised after a step. */
export function promisedAfter(
  promised: Bindings,
  { act }: CheckStep,
  expectation: Expectation,
  world: World,
): Bindings {
  const { kind } = act;
  if (kind === 'other' || kind === 'info' || kind === 'unmap' || (kind === 'request' && !succeeded(expectation)))
    return promised;
  const next = new Map(promised);
  if (act.kind === 'request') {
    const { request } = act;
    const container = containerNamed(world, request.container);
    const devices = container ? devicesIn(container) : [];
    const names = (key: string) => key.split(' ')[1] === String(pasidOf(request));
    if (request.kind === 'bind')
      for (const device of devices) next.set(`${device} ${request.pasid}`, rootName(request.root));
    if (request.kind === 'unbind')
      for (const key of [...next.keys()]) if (names(key) && devices.includes(key.split(' ')[0]!)) next.delete(key);
    if (request.kind === 'free') for (const key of [...next.keys()]) if (names(key)) next.delete(key);
  }
  for (const key of [...next.keys()]) if (!world.slots.get(key.split('.')[0]!)?.group.container) next.delete(key);
  return next;
}
