import type { AddressSpace } from '../mm/address-space.ts';
import type { MappingStart } from '../mm/user-mapping.ts';
import type { Result } from '../result.ts';
import type { Steps } from '../steps.ts';

/** What the kernel sees of the process that calls it (`current`, in Linux). */
export interface Process {
  readonly mm: AddressSpace;
  readonly files: FileTable;
  /** Bytes that it may lock, and the number that its descriptors stay below. */
  readonly limits: { readonly memlock: number; readonly nofile: number };
  readonly capabilities: { readonly ipc_lock: boolean };
}

/** What can be done with an open file; what a kind of file does not have is refused by its caller. */
export interface FileOperations {
  ioctl(process: Process, request: number, argument: number): Steps<Result>;
  /** Positioned read into memory of the process. */
  read?(process: Process, offset: number, address: number, length: number): Steps<Result>;
  /** What a read of 8 bytes where the position is gives, as a number: 0 at the end of what there is. */
  readNext?(): Result;
  /** Positioned write from memory of the process. */
  write?(process: Process, offset: number, address: number, length: number): Steps<Result>;
  /** What a mapping of the file shows. */
  mmap?(offset: number, length: number): FileMapping | 'EINVAL';
  /** Sets the position; what comes out is where it then is. */
  seek?(offset: number): Result;
  /** Bytes come and go in order: nothing can be read or written at a position. */
  readonly stream?: boolean;
  /** The last descriptor is closed. */
  release?(): Steps<void>;
}

/** What a mapping of a file shows. */
export type FileMapping = Pick<MappingStart, 'backing' | 'reachable' | 'present'>;

/** Something with a name that can be opened. */
export interface Node {
  /** Makes the file's operations; 0 or an errno. */
  open(file: OpenFile): Steps<Result>;
}

/** How a file was opened; with `path` it is only a place in the file system. */
export type OpenAccess = 'read-write' | 'read' | 'write' | 'path';

/** An open file, shared by all descriptors that were duplicated from one. */
export class OpenFile {
  references = 1;
  operations: FileOperations | undefined;

  constructor(readonly access: OpenAccess) {}

  /** Gives up one reference; the last one releases. */
  *put(): Steps<void> {
    this.references--;
    if (this.references === 0 && this.operations?.release !== undefined) yield* this.operations.release();
  }
}

/** The descriptors of a process. */
export class FileTable {
  private readonly files: (OpenFile | undefined)[];
  /** Descriptors that an exec closes. */
  private closedByExec: Set<number> | undefined;

  /** A table in which 0, 1 and 2 are taken. */
  constructor(standard: OpenFile) {
    this.files = [standard, standard, standard];
  }

  /** The file behind a descriptor; undefined when it is not open, or open as a path only. */
  get(fd: number): OpenFile | undefined {
    const file = this.getAny(fd);
    return file?.access === 'path' ? undefined : file;
  }

  /** The file behind a descriptor, however it was opened. */
  getAny(fd: number): OpenFile | undefined {
    return fd >= 0 && fd < this.files.length ? this.files[fd] : undefined;
  }

  /** The lowest number that is free, from `fd` on and below a limit; undefined when there is none. */
  lowestFree(limit: number, fd = 0): number | undefined {
    while (fd < this.files.length && this.files[fd] !== undefined) fd++;
    return fd < limit ? fd : undefined;
  }

  install(fd: number, file: OpenFile): void {
    this.files[fd] = file;
  }

  /** Whether an exec would close a descriptor. */
  isClosedByExec(fd: number): boolean {
    return this.closedByExec?.has(fd) ?? false;
  }

  /** Says whether an exec is to close a descriptor, until that is closed. */
  setClosedByExec(fd: number, closed: boolean): void {
    if (!closed) this.closedByExec?.delete(fd);
    else this.closedByExec = (this.closedByExec ?? new Set()).add(fd);
  }

  /** Takes a descriptor out; undefined when it was not there. */
  remove(fd: number): OpenFile | undefined {
    const file = this.getAny(fd);
    if (file !== undefined) {
      this.files[fd] = undefined;
      this.closedByExec?.delete(fd);
    }
    return file;
  }

  /** A forked process has the same open files. */
  forkTo(child: FileTable): void {
    this.files.forEach((file, fd) => {
      if (file !== undefined) file.references++;
      child.files[fd] = file;
    });
    if (this.closedByExec !== undefined) child.closedByExec = new Set(this.closedByExec);
  }

  /** Closes everything, in order. */
  *closeAll(): Steps<void> {
    for (let fd = 0; fd < this.files.length; fd++) {
      const file = this.remove(fd);
      if (file !== undefined) yield* file.put();
    }
  }
}
