import { PAGE_SIZE } from '../mm/physical-memory.ts';
import { type Result, unsupported } from '../result.ts';
import { COPY_TO_USER, done, type Steps } from '../steps.ts';
import type { FileOperations, Node, OpenFile, Process } from './file-table.ts';

const FIONREAD = 0x541b;

const NULL_DEVICE: FileOperations = {
  ioctl: () => done('ENOTTY'),
  read: () => done(0),
  readNext: () => 0,
  write: (_process, _offset, _address, length) => done(length),
  seek: () => 0,
};

const ZERO_DEVICE: FileOperations = {
  ...NULL_DEVICE,
  read: (process, _offset, address, length) => done(storeZeros(process, address, length)),
  // New memory, as long as what is mapped: an offset into it leads past its end.
  mmap: (offset, length) => ({ backing: 'shared', present: Math.max(0, length - offset) }),
};

const OTHER_DEVICE: FileOperations = {
  ...ZERO_DEVICE,
  read: () => unsupported('reading this file'),
  readNext: () => unsupported('reading this file'),
  write: () => unsupported('writing this file'),
  mmap: () => unsupported('mapping this file'),
};

const DIRECTORY: FileOperations = {
  ioctl: () => done('ENOTTY'),
  read: () => done('EISDIR'),
  readNext: () => 'EISDIR',
  seek: () => unsupported('seeking in a directory'),
};

/** The reading end of a pipe. */
export const PIPE: FileOperations = {
  stream: true,
  // Nobody has the other end: there is nothing to read, and never will be.
  readNext: () => 0,
  *ioctl(process, request, argument) {
    if (request !== FIONREAD) return 'ENOTTY';
    if (yield COPY_TO_USER) return 'EFAULT';
    return process.mm.putUser(argument, 0) ? 0 : 'EFAULT';
  },
};

/** Stores zeros up to the first page that cannot be stored to; how many, unless there are none. */
function storeZeros(process: Process, address: number, length: number): Result {
  const zeros = new Uint8Array(PAGE_SIZE);
  let done = 0;
  while (done < length) {
    const part = Math.min(length - done, PAGE_SIZE - ((address + done) % PAGE_SIZE));
    if (!process.mm.copyBytesToUser(address + done, zeros, part)) break;
    done += part;
  }
  return done === 0 && length > 0 ? 'EFAULT' : done;
}

/** A file that has nothing to do with VFIO. */
class ForeignNode implements Node {
  constructor(private readonly operations: FileOperations) {}

  open(file: OpenFile): Steps<Result> {
    if (this.operations === DIRECTORY && file.access !== 'read' && file.access !== 'path') return done('EISDIR');
    file.operations = this.operations;
    return done(0);
  }
}

/** What descriptors 0, 1 and 2 of every process are. */
export const standardNode: Node = new ForeignNode(NULL_DEVICE);

const directory = new ForeignNode(DIRECTORY);
const other = new ForeignNode(OTHER_DEVICE);

/** The paths that exist, apart from those of VFIO. */
export const foreignNodes: ReadonlyMap<string, Node> = new Map<string, Node>([
  ['/dev/null', standardNode],
  ['/dev/zero', new ForeignNode(ZERO_DEVICE)],
  ['/dev/full', other],
  ['/dev/random', other],
  ['/dev/urandom', other],
  ['/', directory],
  ['/dev', directory],
  ['/dev/vfio', directory],
  ['/proc', directory],
  ['/sys', directory],
  ['/tmp', directory],
]);
