import { toHex } from '../../spec/uapi/integer.ts';
import type {
  DiscardOp,
  MmapOp,
  Outcome,
  PeekOp,
  PokeOp,
  Protection,
  ProtectOp,
  UnmapOp,
} from '../../spec/uapi/vocabulary.ts';
import { encode, markRelocations, toNumber } from './encoding.ts';
import { PAGE_SIZE } from './physical-memory.ts';
import type { Process } from './process.ts';
import { type Result, unsupported } from './result.ts';
import { mapFile } from './system-calls.ts';
import { Access, type UserMapping } from './user-mapping.ts';

const ACCESS: Record<Protection, number> = {
  none: Access.NONE,
  read: Access.READ,
  write: Access.WRITE,
  'read-write': Access.READ | Access.WRITE,
};

/** The memory that a process knows by a name. */
export function memoryNamed(process: Process, name: string): UserMapping {
  const named = process.names.get(name);
  return typeof named === 'object' ? named : unsupported(`an op on memory ${name}, which is not there`);
}

/** Maps new memory; `order` is its place among all memory of the program. */
export function mmap(process: Process, op: MmapOp, order: number): Result {
  const { length, protection = 'read-write', backing = 'anonymous' } = op;
  if (length % PAGE_SIZE !== 0) unsupported('mapping parts of pages');
  const access = ACCESS[protection];
  if (backing === 'fd') {
    const fd = process.names.get(op.fd ?? '');
    const file = mapFile(process, typeof fd === 'number' ? fd : -1, toNumber(op.offset ?? 0), length, access);
    if (typeof file === 'string') return file;
    // Without a name of its own, because what it holds is never compared.
    process.names.set(op.as, process.mm.map('', order, { length, access, backing: file.backing, untouched: true }));
    return 0;
  }
  const mapping = process.mm.map(op.as, order, {
    length,
    access,
    backing: backing === 'anonymous' ? 'private' : 'shared',
    untouched: op.fill === 'untouched',
  });
  process.names.set(op.as, mapping);
  return 0;
}

/** Changes what the process may do with pages. */
export function protect(process: Process, op: ProtectOp): Result {
  const mapping = memoryNamed(process, op.memory);
  const pages = pagesOf(mapping, op);
  if (pages === 'EINVAL') return pages;
  if (isPartlyGone(mapping, pages)) return 'ENOMEM';
  if (pages.count > 0) mapping.setAccess(pages.first, pages.count, ACCESS[op.protection]);
  return 0;
}

/** Takes pages out of the process. */
export function unmap(process: Process, op: UnmapOp): Result {
  const mapping = memoryNamed(process, op.memory);
  const pages = pagesOf(mapping, op);
  if (pages === 'EINVAL' || pages.count === 0) return 'EINVAL';
  process.mm.unmap(mapping, pages.first, pages.count);
  return 0;
}

/** Throws the contents of pages away. */
export function discard(process: Process, op: DiscardOp): Result {
  const mapping = memoryNamed(process, op.memory);
  const pages = pagesOf(mapping, op);
  if (pages === 'EINVAL' || mapping.backing === 'device') return 'EINVAL';
  if (isPartlyGone(mapping, pages)) return 'ENOMEM';
  process.mm.discard(mapping, pages.first, pages.count);
  return 0;
}

/** Stores bytes of an op; false when the process may not store there. */
export function store(
  process: Process,
  mapping: UserMapping,
  { at, bytes, relocations }: Pick<PokeOp, 'at' | 'bytes' | 'relocations'>,
): boolean {
  if (!process.mm.programStore(mapping, at, encode(process, bytes, relocations), bytes.length / 2)) return false;
  if (relocations !== undefined) markRelocations(mapping, at, relocations);
  return true;
}

/** Reads what is there. */
export function peek(process: Process, op: PeekOp): Outcome {
  const mapping = memoryNamed(process, op.memory);
  const bytes = process.mm.copyBytesFromUser(mapping.base + op.at, op.length);
  if (bytes === undefined) return { errno: 'EFAULT' };
  mapping.relocated.hide(bytes, op.at);
  return { value: 0, bytes: toHex(bytes) };
}

interface PageSpan {
  first: number;
  count: number;
}

/** The whole pages of a range; the end is rounded up. */
function pagesOf(mapping: UserMapping, { at, length }: { at: number; length: number }): PageSpan | 'EINVAL' {
  if (at % PAGE_SIZE !== 0) return 'EINVAL';
  const span = { first: at / PAGE_SIZE, count: Math.ceil(length / PAGE_SIZE) };
  if ((span.first + span.count) * PAGE_SIZE > mapping.length) unsupported('changing pages outside of a memory');
  return span;
}

function isPartlyGone(mapping: UserMapping, { first, count }: PageSpan): boolean {
  for (let i = first; i < first + count; i++) if (mapping.access(i) & Access.GONE) return true;
  return false;
}
