import { toBigInt, toHex } from '../../../spec/uapi/integer.ts';
import type {
  DiscardOp,
  LockOp,
  MmapOp,
  Outcome,
  PeekOp,
  PokeOp,
  Protection,
  ProtectOp,
  TruncateOp,
  UnmapOp,
} from '../../../spec/uapi/vocabulary.ts';
import { mapFile } from '../files/system-calls.ts';
import { lockLimit } from '../mm/lock-limit.ts';
import { PAGE_SIZE } from '../mm/physical-memory.ts';
import { Access, type UserMapping } from '../mm/user-mapping.ts';
import { type Result, unsupported } from '../result.ts';
import type { Steps } from '../steps.ts';
import { encode, markRelocations } from './encoding.ts';
import type { ProgramProcess } from './program-process.ts';

const ACCESS: Record<Protection, number> = {
  none: Access.NONE,
  read: Access.READ,
  write: Access.WRITE,
  'read-write': Access.READ | Access.WRITE,
};

const BACKING = { anonymous: 'private', shared: 'shared', memfd: 'file', file: 'file' } as const;

/** The memory that a process knows by a name. */
export function memoryNamed(process: ProgramProcess, name: string): UserMapping {
  const named = process.named(name);
  return typeof named === 'object' ? named : unsupported(`an op on memory ${name}, which is not there`);
}

/** Maps new memory; `order` is its place among all memory of the program. */
export function mmap(process: ProgramProcess, op: MmapOp, order: number): Result {
  const { length, protection = 'read-write', backing = 'anonymous' } = op;
  if (length % PAGE_SIZE !== 0) unsupported('mapping parts of pages');
  const access = ACCESS[protection];
  if (backing === 'fd') {
    const fd = process.named(op.fd ?? '');
    const file = mapFile(process, typeof fd === 'number' ? fd : -1, toBigInt(op.offset ?? 0), length, access);
    if (typeof file === 'string') return file;
    const start = { length, access, ...file, untouched: true, watched: false };
    process.setName(op.as, process.mm.map(op.as, order, start));
    file.file!.references++;
    return 0;
  }
  const mapping = process.mm.map(op.as, order, {
    length,
    access,
    backing: BACKING[backing],
    untouched: op.fill === 'untouched',
    watched: true,
  });
  process.setName(op.as, mapping);
  return 0;
}

/** Changes what the process may do with pages, up to the first that is gone. */
export function protect(process: ProgramProcess, op: ProtectOp): Result {
  const mapping = memoryNamed(process, op.memory);
  const span = pagesOf(mapping, op);
  if (span === undefined) return 'EINVAL';
  let stop = span.first;
  while (stop < span.end && !(mapping.access(stop) & Access.GONE)) stop++;
  const writes = (ACCESS[op.protection] & Access.WRITE) !== 0;
  if (stop > span.first && writes && mapping.file?.access === 'read') return 'EACCES';
  if (stop > span.first) mapping.setAccess(span.first, stop - span.first, ACCESS[op.protection]);
  return stop < span.end || span.past ? 'ENOMEM' : 0;
}

/** Takes pages out of the process. */
export function* unmap(process: ProgramProcess, op: UnmapOp): Steps<Result> {
  const mapping = memoryNamed(process, op.memory);
  const span = pagesOf(mapping, op);
  if (span === undefined || op.length === 0) return 'EINVAL';
  if (span.end > span.first) {
    const file = process.mm.unmap(mapping, span.first, span.end - span.first);
    if (file !== undefined) yield* file.put();
  }
  return 0;
}

/** Locks pages in place, up to the first that is gone; those that cannot be had are locked too, and reported. */
export function lock(process: ProgramProcess, op: LockOp): Result {
  const mapping = memoryNamed(process, op.memory);
  const first = Math.floor(op.at / PAGE_SIZE);
  const end = Math.ceil((op.at + op.length) / PAGE_SIZE);
  let stop = first;
  while (stop < end && stop < mapping.length / PAGE_SIZE && !(mapping.access(stop) & Access.GONE)) stop++;
  const exempt = process.capabilities.ipc_lock;
  if (process.limits.memlock === 0 && !exempt) return 'EPERM';
  const limit = exempt ? Number.POSITIVE_INFINITY : lockLimit(process);
  if (!process.mm.lock(mapping, first, stop - first, limit)) return 'ENOMEM';
  for (let page = first; page < stop; page++) if (!process.mm.populate(mapping, page)) return 'ENOMEM';
  return stop < end ? 'ENOMEM' : 0;
}

/** Cuts the file behind a memory. */
export function truncate(process: ProgramProcess, op: TruncateOp): Result {
  const { shared } = memoryNamed(process, op.memory);
  if (!shared?.file) return unsupported('cutting what is not a file of the program');
  if (op.length % PAGE_SIZE !== 0) return unsupported('cutting parts of pages');
  if (op.length > shared.present * PAGE_SIZE) return unsupported('making a file longer');
  process.mm.truncate(shared, op.length / PAGE_SIZE);
  return 0;
}

/** Throws the contents of pages away, all that are not gone. */
export function discard(process: ProgramProcess, op: DiscardOp): Result {
  const mapping = memoryNamed(process, op.memory);
  const span = pagesOf(mapping, op);
  if (span === undefined) return 'EINVAL';
  let holes = span.past;
  for (let page = span.first; page < span.end; page++) {
    if (mapping.access(page) & Access.GONE) holes = true;
    else if (mapping.backing === 'device' || mapping.locked?.has(page)) return 'EINVAL';
    else process.mm.discard(mapping, page);
  }
  return holes ? 'ENOMEM' : 0;
}

/** Stores bytes of an op; false when the process may not store there. */
export function store(
  process: ProgramProcess,
  mapping: UserMapping,
  { at, bytes, relocations }: Pick<PokeOp, 'at' | 'bytes' | 'relocations'>,
): boolean {
  const encoded = encode(process, bytes, relocations);
  const length = bytes.length / 2;
  // The program gets at its memory through the kernel, which does not reach the registers of devices.
  if (at + length > mapping.length || mapping.backing === 'device') return false;
  if (!process.mm.programStore(mapping, at, encoded, length)) return false;
  if (relocations !== undefined) markRelocations(mapping, at, relocations);
  return true;
}

/** Reads what is there. */
export function peek(process: ProgramProcess, op: PeekOp): Outcome {
  const mapping = memoryNamed(process, op.memory);
  if (op.at + op.length > mapping.length || mapping.backing === 'device') return { errno: 'EFAULT' };
  const bytes = process.mm.copyBytesFromUser(mapping.base + op.at, op.length);
  if (bytes === undefined) return { errno: 'EFAULT' };
  mapping.relocated.hide(bytes, op.at);
  return { value: 0, bytes: toHex(bytes) };
}

/** An address in a memory; at most its end. */
export function addressIn(mapping: UserMapping, at: number): number {
  return at > mapping.length ? unsupported('an argument outside of its memory') : mapping.base + at;
}

/** The whole pages of a range, as far as the memory goes; undefined when it does not begin at a page. */
function pagesOf(
  mapping: UserMapping,
  { at, length }: { at: number; length: number },
): { first: number; end: number; past: boolean } | undefined {
  if (at % PAGE_SIZE !== 0) return undefined;
  const count = mapping.length / PAGE_SIZE;
  const first = Math.min(at / PAGE_SIZE, count);
  const end = length === 0 ? first : Math.ceil((at + length) / PAGE_SIZE);
  return { first, end: Math.min(end, count), past: end > count };
}
