import {
  busMaster,
  close,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../conformance/programs/build.ts';
import { allocPasid } from '../conformance/programs/nesting-ops.ts';
import {
  behindAnother,
  emulated,
  fourLevelMachine,
  mediated,
  NESTING,
  narrow,
  nestingMachine,
  platform,
  withoutPasid,
} from '../conformance/programs/nesting-setup.ts';
import { multi, single } from '../conformance/suites/suite.ts';
import type { Actor, IoctlOp, Machine, Name, Op, Slot } from '../spec/uapi/vocabulary.ts';
import { type Guest, guestOf } from './guest.ts';
import { readOnlyMemory } from './read-only-result.ts';

/** A container that requests are made of. */
export interface Party {
  container: Name;
  /** The process that has it; the first one if not given. */
  actor?: Actor;
  guest: Guest;
  /** Groups that may be in it, by the names of their slots. */
  groups: Name[];
  type: string;
  /** Its devices transfer, and what they have cached is flushed. One container that does is enough to see what another does to it. */
  transfers: boolean;
}

/** A device that may be open. */
export interface DeviceName {
  name: Name;
  group: Name;
  /** Which of its group. */
  index: number;
  actor?: Actor;
}

/** A small world in which everything is tried, from containers that are set up. */
export interface CheckWorld {
  id: string;
  /** One sentence. */
  about: string;
  machine: Machine;
  slots: Record<Name, Slot>;
  parties: Party[];
  devices: DeviceName[];
  /** What makes it: guests, containers with their backends, PASIDs, open devices. One that the contract refuses is left out. */
  ops: Op[];
  /** It is there for the kind of its device or container. */
  kind: boolean;
  /** Devices are closed on their own, and not only when their group leaves. */
  closing: boolean;
  /** The two PASIDs are alike: what is true of one is true of the other. */
  symmetric: boolean;
}

/** The PASIDs that are tried. */
export const PASIDS = [1, 2] as const;

/** What a world is made of, in short. */
interface Sketch {
  id: string;
  about: string;
  slots: Record<Name, Slot>;
  /** Groups of the first container; the others wait with an open node. */
  attached: Name[];
  /** Groups of a second container, and whether another process has it. */
  second?: { groups: Name[]; process: boolean };
  type?: string;
  machine?: Machine;
  kind?: boolean;
  /** What is cached is of interest; unless given, it is where the kind of its device is not. */
  transfers?: boolean;
}

const sketches: Sketch[] = [
  { id: 'one_device', about: 'One device.', slots: { g: single }, attached: ['g'] },
  { id: 'two_groups', about: 'Two groups behind one IOMMU.', slots: { g: single, h: single }, attached: ['g', 'h'] },
  { id: 'group_of_two', about: 'A group of two devices.', slots: { g: multi }, attached: ['g'] },
  {
    id: 'two_domains',
    about: 'Two groups behind different IOMMUs: two domains.',
    slots: { g: single, h: behindAnother },
    attached: ['g', 'h'],
  },
  {
    id: 'later_group',
    about: 'One device, and a second group that can join it.',
    slots: { g: single, h: single },
    attached: ['g'],
  },
  {
    id: 'two_containers',
    about: 'Two containers of one process.',
    slots: { g: single, h: single },
    attached: ['g'],
    second: { groups: ['h'], process: false },
  },
  {
    id: 'two_processes',
    about: 'Two processes with a container each.',
    slots: { g: single, h: single },
    attached: ['g'],
    second: { groups: ['h'], process: true },
  },
  {
    id: 'plain',
    about: 'One device in a container that is not of the nesting type.',
    slots: { g: single },
    attached: ['g'],
    type: 'VFIO_TYPE1v2_IOMMU',
    kind: true,
  },
  {
    id: 'four_levels',
    about: 'One device behind an IOMMU that walks tables of four levels only.',
    machine: fourLevelMachine,
    kind: true,
    slots: { g: single },
    attached: ['g'],
  },
  {
    id: 'three_devices',
    about: 'A group of two devices and one of one, behind one IOMMU.',
    slots: { g: multi, h: single },
    attached: ['g', 'h'],
    kind: true,
  },
  ...Object.entries({
    platform: [platform, 'A device that is no PCI function.'],
    narrow: [narrow, 'A device whose PASIDs have 16 bits.'],
    withoutPasid: [withoutPasid, 'A device without PASIDs.'],
    mediated: [mediated, 'A mediated device.'],
    emulated: [emulated, 'A mediated device without an IOMMU.'],
  } satisfies Record<string, [Slot, string]>).map(([id, [slot, about]]) => ({
    id,
    about,
    slots: { g: slot },
    attached: ['g'],
    kind: true,
    // It can send no PASID at all.
    transfers: id === 'withoutPasid',
  })),
];

const by = (actor: Actor | undefined, ops: readonly Op[]): Op[] =>
  actor === undefined ? [...ops] : ops.map((op) => ({ ...op, actor }));

/** Opens a device and lets it transfer. */
export const opensDevice = ({ name, group, index, actor }: DeviceName): Op[] =>
  by(actor, [{ ...openDevice(group, group, name), device: index } as Op, ...busMaster(name)]);

/** A request for PASID that names exactly one. */
export const allocates = (container: Name, pasid: number): IoctlOp => ({
  ...allocPasid(container, 'unused', pasid, pasid),
  save: [],
});

function worldOf({
  id,
  about,
  slots,
  attached,
  second,
  type = NESTING,
  machine = nestingMachine,
  kind = false,
  transfers = !kind,
}: Sketch): CheckWorld {
  const actor = second?.process ? 'child' : undefined;
  const first: Party = { container: 'c', guest: guestOf('c', 'guest', 0), groups: attached, type, transfers };
  const other: Party | undefined = second && {
    container: 'k',
    ...(actor && { actor }),
    guest: guestOf('k', 'other', 100),
    groups: second.groups,
    type,
    transfers: false,
  };
  const names = ['d', 'e', 'f'];
  const devices = Object.entries(slots).flatMap(([group, slot]): DeviceName[] =>
    Array.from({ length: slot.devices }, (_, index) => ({
      name: names.shift()!,
      group,
      index,
      ...(actor && second?.groups.includes(group) && { actor }),
    })),
  );
  const setUp = ({ container, groups, guest }: Party): Op[] => [
    openContainer(container),
    ...groups.flatMap((group) => [openGroup(group, group), setContainer(group, container)]),
    setIommu(container, type),
    ...guest.ops,
    ...devices
      .filter(({ group }) => groups.includes(group))
      .flatMap((one) => opensDevice({ ...one, actor: undefined } as DeviceName)),
  ];
  // Where there are two owners, each has one.
  const [p, q] = PASIDS;
  const waiting = Object.keys(slots).filter((group) => !attached.includes(group) && !second?.groups.includes(group));
  return {
    id,
    about,
    machine,
    slots,
    parties: other ? [first, { ...other }] : [{ ...first, groups: Object.keys(slots) }],
    devices,
    ops: [
      memory('arg', 1),
      memory('info', 1),
      ...readOnlyMemory,
      ...setUp(first),
      allocates('c', p),
      ...(second?.process ? [] : [allocates('c', q)]),
      ...waiting.map((group) => openGroup(group, group)),
      ...(second?.process ? forks(attached, devices) : []),
      ...(other ? by(actor, setUp(other)) : []),
      ...(second?.process ? by(actor, [allocates('k', q)]) : []),
    ],
    kind,
    closing: !kind && (Object.keys(devices).length === 1 || waiting.length > 0),
    symmetric: !second?.process,
  };
}

/** A child that has none of its parent's containers. */
function forks(groups: Name[], devices: DeviceName[]): Op[] {
  const inherited = [...devices.filter(({ actor }) => actor === undefined).map(({ name }) => name), ...groups, 'c'];
  return [{ op: 'fork', as: 'child' }, ...by('child', inherited.map(close))];
}

/** All worlds that are explored. */
export const worlds: CheckWorld[] = sketches.map(worldOf);
