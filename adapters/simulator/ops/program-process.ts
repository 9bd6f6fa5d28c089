import type { DropCapabilityOp } from '../../../spec/uapi/vocabulary.ts';
import { FileTable, type OpenFile, type Process } from '../files/file-table.ts';
import type { AddressSpace, MemorySystem } from '../mm/address-space.ts';
import type { MemoryOwner, UserMapping } from '../mm/user-mapping.ts';
import type { Errno } from '../result.ts';

/** What a name of the program stands for: a descriptor, memory, or a saved output. */
export type Named = number | UserMapping | bigint;

/** Bytes that a process may lock when nobody has changed its limit. */
const DEFAULT_MEMLOCK = 8 * 1024 * 1024;
/** Descriptors that any process may have, whatever its privileges. */
const MAXIMUM_NOFILE = 2 ** 20;

/** A process of the program: what its ops work with, and what the kernel knows of it. */
export class ProgramProcess implements Process, MemoryOwner {
  readonly mm: AddressSpace;
  readonly files: FileTable;
  private readonly names = new Map<string, Named>();
  readonly limits = { memlock: DEFAULT_MEMLOCK, nofile: 1024 };
  readonly capabilities = { ipc_lock: true, sys_admin: true, sys_rawio: true, sys_resource: true };
  gone = false;

  constructor(
    readonly name: string,
    /** Place among the processes of the program. */
    readonly order: number,
    private readonly system: MemorySystem,
    private readonly standard: OpenFile,
  ) {
    this.mm = system.addressSpaceOf(this);
    this.files = new FileTable(standard);
  }

  /** Gives a name to something, and takes it away from what had it. */
  setName(name: string, value: Named): void {
    this.removeName(name);
    this.names.set(name, value);
  }

  /** Nothing has that name any longer. */
  removeName(name: string): void {
    const named = this.names.get(name);
    if (named === undefined) return;
    if (typeof named === 'object') named.watched = false;
    this.names.delete(name);
  }

  /** What a name stands for. */
  named(name: string): Named | undefined {
    return this.names.get(name);
  }

  /** Sets the soft and the hard limit. */
  setLimit(resource: 'memlock' | 'nofile', value: number): Errno | undefined {
    if (resource === 'nofile' && value > MAXIMUM_NOFILE) return 'EPERM';
    if (value > this.limits[resource] && !this.capabilities.sys_resource) return 'EPERM';
    this.limits[resource] = value;
    return undefined;
  }

  /** Gives up a privilege, or all. */
  dropCapability(name: DropCapabilityOp['capability']): void {
    if (name !== 'all') this.capabilities[name] = false;
    else Object.assign(this.capabilities, { ipc_lock: false, sys_admin: false, sys_rawio: false, sys_resource: false });
  }

  /** A child with the same files, memory, names, limits and privileges; it has nothing locked. */
  fork(name: string, order: number): ProgramProcess {
    const child = new ProgramProcess(name, order, this.system, this.standard);
    Object.assign(child.limits, this.limits);
    Object.assign(child.capabilities, this.capabilities);
    this.files.forkTo(child.files);
    this.mm.forkTo(child.mm);
    for (const [key, value] of this.names) {
      const moved = typeof value === 'object' ? child.mm.mappings[this.mm.mappings.indexOf(value)]! : value;
      child.names.set(key, moved);
    }
    return child;
  }
}

/** The descriptor that a process knows by a name; -1 when there is none. */
export function fdNamed(process: ProgramProcess, name: string): number {
  const named = process.named(name);
  return typeof named === 'number' ? named : -1;
}
