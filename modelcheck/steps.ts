import { close, ioctlNone, setContainer, setIommu } from '../conformance/programs/build.ts';
import {
  bindTable,
  cache,
  checkNestingUapi,
  type DataLayout,
  freePasid,
  granularity,
  type InvalidationFields,
  invalidate,
  nestingInfo,
  taggedIn,
  unbindTable,
} from '../conformance/programs/nesting-ops.ts';
import type { IoctlOp, Name, Op } from '../spec/uapi/vocabulary.ts';
import { ACROSS, ADDRESSES, type Guest, ROOTS } from './guest.ts';
import { type Act, type CheckStep, requestStep, withActor } from './step.ts';
import { allocates, type CheckWorld, type DeviceName, opensDevice, PASIDS, type Party } from './worlds.ts';

/** PASIDs that requests name: those that there are, and the same with a bit that 32 bits cut off. */
const named = PASIDS.flatMap((pasid) => [BigInt(pasid), BigInt(pasid) + (1n << 32n)]);

/** What can be done in a world; arguments are in the layout that the contract's driver takes. */
export function ordinarySteps(world: CheckWorld, layout: DataLayout): CheckStep[] {
  const { parties, devices, slots } = world;
  return [
    ...parties.flatMap((party) => requestSteps(party, layout, mostDevices(world, party))),
    ...parties.flatMap((party) => containerSteps(party, devices)),
    ...parties.flatMap(({ groups, transfers }) =>
      transfers
        ? devices.filter(({ group }) => groups.includes(group)).flatMap((one) => deviceSteps(one, world.closing))
        : [],
    ),
    ...parties.flatMap(({ container, actor, groups, type }) => [
      other(`set the backend of ${container}`, [setIommu(container, type)], actor),
      ...groups.flatMap((group) => groupSteps(world, group, container, actor)),
    ]),
    // A group of another container may come to the first one, where one process has both.
    ...parties
      .slice(1)
      .flatMap(({ groups, actor }) => (actor ? [] : groups.map((group) => joins(group, parties[0]!.container)))),
  ].filter(({ ops }) => ops.length > 0 && Object.keys(slots).length > 0);
}

/** How many devices a container can have at once. */
const mostDevices = ({ slots }: CheckWorld, { groups }: Party): number =>
  groups.reduce((sum, group) => sum + slots[group]!.devices, 0);

function requestSteps({ container, actor, transfers }: Party, layout: DataLayout, devices: number): CheckStep[] {
  const request = (id: string, op: IoctlOp, before: Op[] = []): CheckStep => requestStep(id, op, layout, actor, before);
  const steps: CheckStep[] = [];
  for (const pasid of PASIDS) {
    steps.push(request(`allocate ${pasid} of ${container}`, allocates(container, pasid)));
    steps.push(request(`free ${pasid} of ${container}`, freePasid(container, pasid)));
  }
  for (const pasid of named) {
    for (const [name, root] of Object.entries(ROOTS))
      steps.push(
        request(`bind ${name} table to ${pasid} of ${container}`, bindTable(container, { pasid, root }, layout)),
      );
    steps.push(request(`unbind ${pasid} of ${container}`, unbindTable(container, pasid, {}, layout)));
  }
  // A single device that refuses is seen elsewhere.
  if (transfers || devices > 1) steps.push(...refusedSteps(container, actor, layout, devices));
  if (transfers) steps.push(...flushSteps(container, actor, layout, devices));
  return steps;
}

/** CACHE_INVALIDATE, as finely as it can be asked for: in full where there is one device. */
function flushSteps(container: Name, actor: string | undefined, layout: DataLayout, devices: number): CheckStep[] {
  const flush = (what: string, values: InvalidationFields): CheckStep =>
    requestStep(`flush ${what} of ${container}`, invalidate(container, values, layout), layout, actor);
  const finely = (pasid: number): CheckStep[] => [
    flush(`both pages of ${pasid}`, { pasid, addr: ADDRESSES[0], pages: ADDRESSES.length }),
    flush(`a page of ${pasid}, not the way to it,`, { pasid, addr: ADDRESSES[0], leaf: true }),
    flush(`what devices have cached of a page of ${pasid}`, { pasid, addr: ADDRESSES[0], cache: cache.device }),
  ];
  return [
    flush('all that is cached', { granularity: granularity.domain }),
    ...PASIDS.flatMap((pasid) => [
      flush(`what is cached of ${pasid}`, { pasid }),
      flush(`a page of ${pasid}`, { pasid, addr: ADDRESSES[0] }),
      flush(`what devices have cached of ${pasid}`, { pasid, cache: cache.device }),
      ...(devices > 1 ? [] : finely(pasid)),
    ]),
  ];
}

/** Requests in which the IOMMU driver refuses a device: each in turn, and for BIND also one of the rollback. */
function refusedSteps(container: Name, actor: string | undefined, layout: DataLayout, devices: number): CheckStep[] {
  const steps: CheckStep[] = [];
  for (const pasid of PASIDS) {
    const requests: [string, IoctlOp, number][] = [
      [`bind to ${pasid}`, bindTable(container, { pasid, root: ROOTS.first }, layout), 2 * devices],
      [`unbind ${pasid}`, unbindTable(container, pasid, {}, layout), devices],
      [`flush ${pasid}`, invalidate(container, { pasid }, layout), devices],
    ];
    for (const [name, op, calls] of requests)
      for (const refused of refusals(devices, calls))
        steps.push(
          requestStep(
            `${name} of ${container}, refused at driver call ${refused.join(' and ')}`,
            op,
            layout,
            actor,
            refused.map((nth) => ({ op: 'inject', fault: 'driver', nth })),
          ),
        );
  }
  return steps;
}

/** Driver calls that are refused: one of the first, and with it perhaps one of those that follow. */
function refusals(devices: number, calls: number): number[][] {
  const all: number[][] = [];
  for (let first = 1; first <= devices; first++) {
    all.push([first]);
    for (let second = Math.max(first, devices) + 1; second <= calls; second++) all.push([first, second]);
  }
  return all;
}

function containerSteps({ container, actor, guest, groups, transfers }: Party, devices: DeviceName[]): CheckStep[] {
  const own = devices.filter(({ group }) => groups.includes(group)).map(({ name }) => name);
  return [
    step(`ask ${container} for its abilities`, [nestingInfo(container, 'info')], actor, { kind: 'info', container }),
    other(`ask ${container} for the uapi of nesting`, [checkNestingUapi(container)], actor),
    ...(transfers ? guestSteps(container, actor, guest) : []),
    step(`close all of ${container}`, [...own, ...groups, container].map(close), actor, { kind: 'end', container }),
  ];
}

const guestSteps = (container: Name, actor: string | undefined, guest: Guest): CheckStep[] => [
  step(`unmap page A of ${container}`, [guest.unmapPage], actor, { kind: 'unmap', container }),
  other(`map page A of ${container}`, [guest.mapPage], actor),
  other(`lead the first page of ${container} to A`, [guest.lead.a], actor),
  other(`lead the first page of ${container} to B`, [guest.lead.b], actor),
];

function deviceSteps(device: DeviceName, closing: boolean): CheckStep[] {
  const { name, actor } = device;
  return [
    other(`open ${name}`, opensDevice(device), undefined),
    ...(closing ? [other(`close ${name}`, [close(name)], actor)] : []),
    ...PASIDS.map((pasid) =>
      other(`${name} reads with ${pasid}`, [taggedIn(name, pasid, ACROSS.iova, ACROSS.length)], actor),
    ),
  ];
}

const joins = (group: Name, container: Name, actor?: string): CheckStep =>
  other(`${group} joins ${container}`, [setContainer(group, container)], actor);

function groupSteps(
  { devices, closing }: CheckWorld,
  group: Name,
  container: Name,
  actor: string | undefined,
): CheckStep[] {
  const own = closing ? [] : devices.filter((one) => one.group === group).map(({ name }) => close(name));
  return [
    joins(group, container, actor),
    step(`${group} leaves its container`, [...own, ioctlNone(group, 'VFIO_GROUP_UNSET_CONTAINER')], actor, {
      kind: 'leave',
      group,
    }),
  ];
}

function step(id: string, ops: Op[], actor: string | undefined, act: Act): CheckStep {
  return { id, ops: withActor(ops, actor), act };
}

const other = (id: string, ops: Op[], actor: string | undefined): CheckStep => step(id, ops, actor, { kind: 'other' });
