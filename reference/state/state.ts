import { deviceOf } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { DeviceModel, Environment, HistoryEntry, InjectOp, Slot } from '../../spec/uapi/vocabulary.ts';
import { TranslationCache } from '../memory/translation-cache.ts';
import { PAGE, type Page, UserMemory } from '../memory/user-memory.ts';
import { Device } from './device.ts';
import type { Event } from './event.ts';
import type { MappingList } from './mapping-list.ts';

/** A mapping of a type1 backend: [iova, iova + size). */
export interface Mapping {
  iova: bigint;
  size: bigint;
  read: boolean;
  write: boolean;
  /** What devices reach, page by page. */
  pages: Page[];
  /** Whose locked memory was charged, and with how many pages. */
  charged: { process: Process; pages: number };
  vaddrInvalid: boolean;
  /** While dirty tracking is on: one bit a page, and what else the kernel has in that memory. */
  dirty: bigint | undefined;
}

/** The groups of a container behind one IOMMU; newest first. */
export interface Domain {
  /** Which IOMMU, as slots count them. */
  iommu: number;
  groups: Group[];
  /** What the IOMMU may have cached for DMA with a PASID. */
  cache: TranslationCache;
}

/** An address space that has containers with a backend: whom PASIDs belong to. */
export interface PasidOwner {
  process: Process;
  /** The module's parameter as it was last looked at. */
  quota: number;
  /** PASIDs that it may have at once. */
  limit: number;
  /** Backends of its containers; with the last one its PASIDs go. */
  backends: number;
}

/** A PASID that is taken and that was not reported: one of a range, both ends inclusive. */
export interface LostPasid {
  owner: PasidOwner;
  min: number;
  max: number;
}

/** A PASID that is allocated. */
export interface AllocatedPasid {
  owner: PasidOwner;
  /** What the IOMMU driver keeps about who is bound; undefined while nobody is. */
  bound: BoundPasid | undefined;
}

/** A device in the driver's record: how many times it is bound, and the domain that it was in. */
export interface Bound {
  uses: number;
  domain: Domain;
}

/** The driver's record of a PASID's bindings. */
export interface BoundPasid {
  /** The process that bound it first, and the guest's PASID that it gave; 0 for none. */
  process: Process;
  guestPasid: bigint;
  devices: Map<Device, Bound>;
}

/** A type1 backend; mappings ascend by I/O virtual address. */
export interface Backend {
  type: number;
  v2: boolean;
  nesting: boolean;
  /** Newest first. */
  domains: Domain[];
  /** Undefined where no PASIDs could be promised when the backend was chosen. */
  owner: PasidOwner | undefined;
  mappings: MappingList<Mapping>;
  entryLimit: number;
  dirtyTracking: boolean;
}

/** A container: C0 without groups, C1 with groups, C2 with a backend. */
export interface Container {
  kind: 'container';
  groups: Set<Group>;
  backend: Backend | undefined;
}

/** An IOMMU group as one life of its node: an orphan is never used again. */
export interface Group {
  kind: 'group';
  slot: SlotState;
  orphaned: boolean;
  container: Container | undefined;
  /** Open descriptions of the node (0 or 1). */
  open: number;
  devicesOpen: number;
}

/** A place where a group is: the node and the devices. */
export interface SlotState {
  name: string;
  /** The group that the node opens now. */
  group: Group;
  devices: Device[];
  /** A kernel driver owns the DMA of one more device. */
  boundToHostDriver: boolean;
  /** Whether its devices can be reset on their own. */
  resettable: boolean;
  /** What the slot is in the topology. */
  properties: Slot;
  /** The device that is bound to a host driver at first. */
  hostDriverDevice: Device | undefined;
}

/** An open device. */
export interface OpenDevice {
  kind: 'device';
  device: Device;
  group: Group;
}

/** A file that is none of VFIO's. */
export interface Foreign {
  kind: 'foreign';
  event?: Event;
}

/** What a file descriptor refers to; `refs` counts descriptors in all processes. */
export interface OpenFileDescription {
  object: Container | Group | OpenDevice | Foreign;
  refs: number;
  /** O_PATH. */
  pathOnly: boolean;
  /** What the process may do with it. */
  mode: 'read-write' | 'read' | 'write';
}

/** A process: names, descriptors, memory, limits. */
export interface Process {
  name: string;
  memory: UserMemory;
  /** Name -> descriptor number. */
  names: Map<string, number>;
  descriptors: Map<number, OpenFileDescription>;
  /** Descriptors that an exec would close. */
  closeOnExec: Set<number>;
  /** Name -> saved output. */
  saved: Map<string, bigint>;
  /** RLIMIT_NOFILE. */
  openFiles: number;
  /** What fails in the next op. */
  injections: InjectOp[];
  lockedPages: number;
  memlockBytes: bigint;
  /** CAP_IPC_LOCK: it may lock more than its limit. */
  ipcLock: boolean;
  /** CAP_SYS_RESOURCE: it may raise its limits. */
  sysResource: boolean;
}

/** What descriptors 0, 1 and 2 are. */
const standardStream: OpenFileDescription = {
  object: { kind: 'foreign' },
  refs: 1,
  pathOnly: false,
  mode: 'read-write',
};

/** The whole state of a program's world. */
export class World {
  readonly environment: Environment;
  readonly processes = new Map<string, Process>();
  readonly slots = new Map<string, SlotState>();
  readonly parameters: Map<string, string>;
  /** Which effects made the state what it is. */
  readonly history: HistoryEntry[] = [];
  /** PASIDs by number, and those whose number nobody knows. */
  readonly pasids = new Map<number, AllocatedPasid>();
  readonly lostPasids: LostPasid[] = [];
  /** PASIDs that no quota promises to anybody. */
  unpromised = PASID_END;
  /** Groups that left their containers in this op, with the owner whose last backend went along. */
  left: { devices: Device[]; owner?: PasidOwner }[] = [];
  /** Address spaces that have backends. */
  readonly owners = new Map<Process, PasidOwner>();

  constructor(environment: Environment, slots: Record<string, Slot>) {
    if (environment.pageSize !== PAGE) {
      throw new Problem(
        `environment ${environment.id} has pages of ${environment.pageSize} bytes; only ${PAGE} can be judged.`,
      );
    }
    checkConfigSpaces(environment);
    this.environment = environment;
    this.parameters = new Map([
      ['vfio_iommu_type1.dma_entry_limit', String(environment.dmaEntryLimit)],
      ['vfio_iommu_type1.pasid_quota', String(DEFAULT_QUOTA)],
    ]);
    for (const [name, properties] of Object.entries(slots)) {
      const { devices, viable, resettable = false } = properties;
      const model = deviceOf(environment, properties);
      const hostDriverDevice = viable ? undefined : new Device(properties, model);
      const slot: SlotState = {
        name,
        group: undefined as never,
        devices: [],
        boundToHostDriver: !viable,
        resettable,
        properties,
        hostDriverDevice,
      };
      for (let i = 0; i < devices; i++) slot.devices.push(new Device(properties, model));
      slot.group = newGroup(slot);
      this.slots.set(name, slot);
    }
    const main = newProcess('main', new UserMemory());
    main.ipcLock = environment.memlockExempt;
    for (const number of [0, 1, 2]) main.descriptors.set(number, standardStream);
    this.processes.set('main', main);
  }

  /** Ends the world's use; what it held is used again. */
  release(): void {
    for (const process of this.processes.values()) process.memory.release();
    this.releaseDevices();
  }

  /** The same for what devices hold only. */
  releaseDevices(): void {
    for (const { group } of this.slots.values()) for (const device of membersOf(group)) device.release();
  }
}

/** Index of the region that is config space. */
const configRegion = 7;

/** What is said of config space is said of each of its bytes. Throws a Problem. */
function checkConfigSpaces({ id, device, models = {} }: Environment): void {
  checkConfigSpace(id, 'device', device);
  for (const [name, model] of Object.entries(models)) checkConfigSpace(id, `models.${name}`, model);
}

function checkConfigSpace(id: string, place: string, device: DeviceModel): void {
  const size = Number(device.regions[configRegion]?.size ?? 0);
  for (const name of ['config', 'configWritable', 'configUnknown'] as const) {
    const length = device[name].length / 2;
    if (length === size) continue;
    throw new Problem(
      `environment ${id}: ${place}.${name} has ${length} bytes, and region ${configRegion} of the device ${size}; give as many.`,
    );
  }
}

/** The group of a slot's node, at the start of its life. */
export function newGroup(slot: SlotState): Group {
  return { kind: 'group', slot, orphaned: false, container: undefined, open: 0, devicesOpen: 0 };
}

/** A process without names. */
export function newProcess(name: string, memory: UserMemory): Process {
  return {
    name,
    memory,
    names: new Map(),
    descriptors: new Map(),
    closeOnExec: new Set(),
    saved: new Map(),
    openFiles: 1024,
    injections: [],
    lockedPages: 0,
    memlockBytes: 8n << 20n,
    ipcLock: true,
    sysResource: true,
  };
}

/** Every device of a group, in order, whatever its driver. */
export function membersOf({ slot }: Group): Device[] {
  return slot.hostDriverDevice ? [...slot.devices, slot.hostDriverDevice] : slot.devices;
}

/** The domain of a group; undefined for one that has none. */
export function domainOf(group: Group): Domain | undefined {
  return group.container?.backend?.domains.find(({ groups }) => groups.includes(group));
}

/** Whether a group is behind an IOMMU at all. */
export function hasDomain({ slot }: Group): boolean {
  return slot.properties.kind !== 'emulated';
}

/** Puts a group into the domain of its IOMMU, a new one if there is none: at the head, as every list is filled. */
export function joinDomain(backend: Backend, group: Group): void {
  if (!hasDomain(group)) return;
  const iommu = group.slot.properties.iommu ?? 0;
  let domain = backend.domains.find((one) => one.iommu === iommu);
  if (!domain) {
    domain = { iommu, groups: [], cache: new TranslationCache() };
    backend.domains.unshift(domain);
  }
  domain.groups.unshift(group);
}

/** First number that is no PASID: they have 20 bits. */
export const PASID_END = 2 ** 20;

/** The PASIDs that may be had at once, unless the module's parameter was changed. */
const DEFAULT_QUOTA = 1000;

/** A process as the owner of PASIDs; undefined where no more PASIDs can be promised. */
export function ownerOf(world: World, process: Process): PasidOwner | undefined {
  let owner = world.owners.get(process);
  if (!owner && world.unpromised >= DEFAULT_QUOTA) {
    owner = { process, quota: DEFAULT_QUOTA, limit: DEFAULT_QUOTA, backends: 0 };
    world.unpromised -= DEFAULT_QUOTA;
    world.owners.set(process, owner);
  }
  return owner;
}

/** Takes a group out of its container; the last one takes the backend and its mappings along. */
export function detachGroup(world: World, group: Group): void {
  const container = group.container;
  if (!container) return;
  const { backend } = container;
  const domain = domainOf(group);
  if (domain) {
    domain.groups.splice(domain.groups.indexOf(group), 1);
    if (domain.groups.length === 0) backend!.domains.splice(backend!.domains.indexOf(domain), 1);
  }
  group.container = undefined;
  container.groups.delete(group);
  if (!backend) return;
  const devices = membersOf(group);
  if (container.groups.size > 0) {
    world.left.push({ devices });
    return;
  }
  for (const mapping of backend.mappings) uncharge(mapping);
  container.backend = undefined;
  const { owner } = backend;
  if (owner) owner.backends--;
  world.left.push({ devices, ...(owner?.backends === 0 && { owner }) });
}

/** Gives the charge of a mapping back. */
export function uncharge(mapping: Mapping): void {
  mapping.charged.process.lockedPages -= mapping.charged.pages;
}

/** The lines that a failure shows: every object of the state, in words. */
export function describeState(world: World): string[] {
  const lines: string[] = [];
  for (const slot of world.slots.values()) {
    const { group } = slot;
    const state = group.orphaned
      ? 'GX orphaned'
      : group.container
        ? group.devicesOpen
          ? 'G1D attached, device open'
          : 'G1 attached'
        : slot.boundToHostDriver
          ? 'GN not viable'
          : 'G0';
    lines.push(`group of ${slot.name}: ${state}, node ${group.open || group.devicesOpen ? 'open' : 'closed'}`);
  }
  for (const process of world.processes.values()) {
    for (const [name, number] of process.names) {
      const object = process.descriptors.get(number)?.object;
      lines.push(`${process.name} ${name}: ${object ? describeObject(object) : 'closed'}`);
    }
    if (!process.ipcLock)
      lines.push(`${process.name}: ${process.lockedPages} pages locked of ${process.memlockBytes} bytes allowed`);
  }
  return lines;
}

function describeObject(object: OpenFileDescription['object']): string {
  if (object.kind === 'container') {
    const { backend, groups } = object;
    if (!backend) return `container ${groups.size ? 'C1' : 'C0'}, ${groups.size} groups, no backend`;
    const mappings = [...backend.mappings].map(
      ({ iova, size, read, write, vaddrInvalid }) =>
        `[0x${iova.toString(16)}, +0x${size.toString(16)}) ${read ? 'r' : ''}${write ? 'w' : ''}${vaddrInvalid ? ' vaddr invalidated' : ''}`,
    );
    return `container C2, type ${backend.type}, ${groups.size} groups, mappings: ${mappings.join(', ') || 'none'}`;
  }
  if (object.kind === 'group') return `group of ${object.slot.name}${object.orphaned ? ', orphaned' : ''}`;
  if (object.kind === 'device')
    return `device of ${object.group.slot.name}, bus mastering ${object.device.busMaster ? 'on' : 'off'}`;
  return 'another file';
}
