import { PAGE_SIZE } from '../mm/physical-memory.ts';
import { Access, type MappingStart } from '../mm/user-mapping.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, COPY_FROM_USER, COPY_TO_USER, done, type Steps } from '../steps.ts';
import { type Node, OpenFile, type Process } from './file-table.ts';
import { PIPE } from './foreign-file.ts';

/** Ioctls that are handled for every open file, before its operations are asked. */
const GenericRequest = {
  FIGETBSZ: 0x2,
  FIONBIO: 0x5421,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
  FIOASYNC: 0x5452,
  FIOQSIZE: 0x5460,
} as const;

/** open(2): a descriptor comes before the file it is for. */
export function* open(process: Process, node: Node | undefined, access: OpenFile['access']): Steps<Result> {
  const fd = process.files.lowestFree(process.limits.nofile);
  if (fd === undefined) return 'EMFILE';
  if (node === undefined) return 'ENOENT';
  const file = new OpenFile(access);
  if (access !== 'path') {
    const result = yield* node.open(file);
    if (result !== 0) return result;
  }
  process.files.install(fd, file);
  return fd;
}

/** pipe(2), whose writing end is closed at once. Both ends need a descriptor. */
export function* openPipe(process: Process): Steps<Result> {
  if (yield ALLOCATION) return 'ENOMEM';
  const { nofile } = process.limits;
  const fd = process.files.lowestFree(nofile);
  if (fd === undefined || process.files.lowestFree(nofile, fd + 1) === undefined) return 'EMFILE';
  const file = new OpenFile('read');
  file.operations = PIPE;
  process.files.install(fd, file);
  return fd;
}

/** close(2) */
export function* close(process: Process, fd: number): Steps<Result> {
  const file = process.files.remove(fd);
  if (file === undefined) return 'EBADF';
  yield* file.put();
  return 0;
}

/** dup(2) */
export function dup(process: Process, fd: number): Result {
  const file = process.files.getAny(fd);
  if (file === undefined) return 'EBADF';
  const copy = process.files.lowestFree(process.limits.nofile);
  if (copy === undefined) return 'EMFILE';
  file.references++;
  process.files.install(copy, file);
  return copy;
}

/** lseek(2) from the beginning. */
export function seek(process: Process, fd: number, offset: number): Result {
  const file = process.files.get(fd);
  if (file === undefined) return 'EBADF';
  return file.operations!.seek?.(offset) ?? 'ESPIPE';
}

/** fcntl(2): 1 if an exec would close the descriptor, else 0. */
export function closesOnExec(process: Process, fd: number): Result {
  if (process.files.getAny(fd) === undefined) return 'EBADF';
  return process.files.isClosedByExec(fd) ? 1 : 0;
}

/** ioctl(2): a few requests are the same for every file. */
export function ioctl(process: Process, fd: number, request: number, argument: number): Steps<Result> {
  const file = process.files.get(fd);
  if (file === undefined) return done('EBADF');
  switch (request) {
    case GenericRequest.FIOCLEX:
    case GenericRequest.FIONCLEX:
      process.files.setClosedByExec(fd, request === GenericRequest.FIOCLEX);
      return done(0);
    case GenericRequest.FIOQSIZE:
      return done('ENOTTY');
    case GenericRequest.FIONBIO:
      return setFlag(process, argument, 0);
    case GenericRequest.FIOASYNC:
      return setFlag(process, argument, file.operations === PIPE ? 0 : 'ENOTTY');
    case GenericRequest.FIGETBSZ:
      return getBlockSize(process, argument);
    default:
      return file.operations!.ioctl(process, request, argument);
  }
}

/** Sets a flag that is off; `whenOn` is what turning it on gives. */
function* setFlag(process: Process, argument: number, whenOn: Result): Steps<Result> {
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, 4);
  if (words === undefined) return 'EFAULT';
  return words[0] === 0 ? 0 : whenOn;
}

function* getBlockSize(process: Process, argument: number): Steps<Result> {
  if (yield COPY_TO_USER) return 'EFAULT';
  return process.mm.putUser(argument, PAGE_SIZE) ? 0 : 'EFAULT';
}

/** Bytes that one read or write moves at most. */
const MOST_BYTES = 0x7fff_f000;
/** No place in a file is behind this one. */
const PLACES_END = 2 ** 63;

/** pread(2) and pwrite(2). */
export function* transfer(
  direction: 'read' | 'write',
  process: Process,
  fd: number,
  offset: number,
  address: number,
  length: number,
): Steps<Result> {
  if (offset < 0) return 'EINVAL';
  const file = process.files.get(fd);
  if (file === undefined) return 'EBADF';
  const operations = file.operations!;
  if (operations.stream) return 'ESPIPE';
  if (file.access !== 'read-write' && file.access !== direction) return 'EBADF';
  const handler = direction === 'read' ? operations.read : operations.write;
  if (handler === undefined) return 'EINVAL';
  if (length > 0 && offset + length >= PLACES_END) return 'EINVAL';
  return yield* handler.call(operations, process, offset, address, Math.min(length, MOST_BYTES));
}

/** What mmap(2) of a file, shared, would show. */
export function mapFile(
  process: Process,
  fd: number,
  offset: bigint,
  length: number,
  access: number,
): Pick<MappingStart, 'backing' | 'reachable' | 'present' | 'file'> | Errno {
  if (offset % BigInt(PAGE_SIZE) !== 0n) return 'EINVAL';
  const file = process.files.get(fd);
  if (file === undefined) return 'EBADF';
  if (offset + BigInt(length) >= 1n << 64n) return 'EOVERFLOW';
  if (file.access === 'write' || (file.access === 'read' && access & Access.WRITE)) return 'EACCES';
  const { operations } = file;
  if (operations?.mmap === undefined) return 'ENODEV';
  const mapping = operations.mmap(Number(offset), length);
  return mapping === 'EINVAL' ? mapping : { ...mapping, file };
}
