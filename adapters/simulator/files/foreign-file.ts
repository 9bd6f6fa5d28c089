import { type Result, unsupported } from '../result.ts';
import { done, type Steps } from '../steps.ts';
import type { FileOperations, Node, OpenFile } from './file-table.ts';

const NULL_DEVICE: FileOperations = {
  ioctl: () => done('ENOTTY'),
  read: () => done(0),
  write: (_process, _offset, _address, length) => done(length),
  seek: () => 0,
};

const ZERO_DEVICE: FileOperations = {
  ...NULL_DEVICE,
  read: () => unsupported('reading this file'),
  mmap: () => ({ backing: 'shared' }),
};

const OTHER_DEVICE: FileOperations = {
  ...ZERO_DEVICE,
  write: () => unsupported('writing this file'),
  mmap: () => unsupported('mapping this file'),
};

const DIRECTORY: FileOperations = {
  ioctl: () => done('ENOTTY'),
  read: () => done('EISDIR'),
  seek: () => unsupported('seeking in a directory'),
};

/** The reading end of a pipe. */
export const PIPE: FileOperations = {
  stream: true,
  ioctl: () => done('ENOTTY'),
};

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
