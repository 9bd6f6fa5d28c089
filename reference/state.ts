import { Problem } from '../spec/uapi/problem.ts';
import type { Environment } from '../spec/uapi/vocabulary.ts';
import { Device } from './device.ts';
import { PAGE, type Page, UserMemory } from './user-memory.ts';

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

/** A type1 backend; mappings ascend by I/O virtual address. */
export interface Backend {
  type: number;
  v2: boolean;
  mappings: Mapping[];
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
  slot: Slot;
  orphaned: boolean;
  container: Container | undefined;
  /** Open descriptions of the node (0 or 1). */
  open: number;
  devicesOpen: number;
}

/** A place where a group is: the node and the devices. */
export interface Slot {
  name: string;
  /** The group that the node opens now. */
  group: Group;
  devices: Device[];
  /** A kernel driver owns the DMA of one more device. */
  claimed: boolean;
  /** Whether its devices can be reset on their own. */
  resettable: boolean;
}

/** An open device. */
export interface OpenDevice {
  kind: 'device';
  device: Device;
  group: Group;
}

/** An event counter. */
export interface Event {
  count: number;
}

/** A file that is none of VFIO's. */
export interface Foreign {
  kind: 'foreign';
  event?: Event;
}

/** What a file descriptor refers to; `refs` counts descriptors in all processes. */
export interface Description {
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
  descriptors: Map<number, Description>;
  /** Descriptors that an exec would close. */
  closeOnExec: Set<number>;
  /** Name -> saved output. */
  saved: Map<string, bigint>;
  /** RLIMIT_NOFILE. */
  openFiles: number;
  /** An allocation may fail in the next op. */
  injected: boolean;
  lockedPages: number;
  memlockBytes: bigint;
  ipcLock: boolean;
}

/** Which effect made the state what it is. */
export interface HistoryEntry {
  op: number;
  rule: string;
}

/** What descriptors 0, 1 and 2 are. */
const standardStream: Description = { object: { kind: 'foreign' }, refs: 1, pathOnly: false, mode: 'read-write' };

/** The whole state of a program's world. */
export class World {
  readonly environment: Environment;
  readonly processes = new Map<string, Process>();
  readonly slots = new Map<string, Slot>();
  readonly parameters: Map<string, string>;
  readonly history: HistoryEntry[] = [];

  constructor(
    environment: Environment,
    slots: Record<string, { devices: number; viable: boolean; resettable?: boolean }>,
  ) {
    if (environment.pageSize !== PAGE) {
      throw new Problem(
        `environment ${environment.id} has pages of ${environment.pageSize} bytes; only ${PAGE} can be judged.`,
      );
    }
    this.environment = environment;
    this.parameters = new Map([['vfio_iommu_type1.dma_entry_limit', String(environment.dmaEntryLimit)]]);
    for (const [name, { devices, viable, resettable = false }] of Object.entries(slots)) {
      const slot: Slot = { name, group: undefined as never, devices: [], claimed: !viable, resettable };
      for (let i = 0; i < devices; i++) slot.devices.push(new Device());
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
  }
}

/** The group of a slot's node, at the start of its life. */
export function newGroup(slot: Slot): Group {
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
    injected: false,
    lockedPages: 0,
    memlockBytes: 8n << 20n,
    ipcLock: true,
  };
}

/** Takes a group out of its container; the last one takes the backend and its mappings along. */
export function detachGroup(group: Group): void {
  const container = group.container;
  if (!container) return;
  group.container = undefined;
  container.groups.delete(group);
  if (container.groups.size > 0 || !container.backend) return;
  for (const mapping of container.backend.mappings) uncharge(mapping);
  container.backend = undefined;
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
        : slot.claimed
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

function describeObject(object: Description['object']): string {
  if (object.kind === 'container') {
    const { backend, groups } = object;
    if (!backend) return `container ${groups.size ? 'C1' : 'C0'}, ${groups.size} groups, no backend`;
    const mappings = backend.mappings.map(
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
