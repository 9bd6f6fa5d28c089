import { uapi } from '../../spec/uapi/uapi.ts';
import { ALL_PAGES, type Dma } from './dma-list.ts';
import { bytesOfPages, pageNumber } from './page-number.ts';
import type { Process } from './process.ts';
import { layout } from './requests.ts';
import type { Result } from './result.ts';
import { COPY_FROM_USER, COPY_TO_USER, LOCK, type Steps } from './steps.ts';
import type { Type1 } from './type1.ts';

const UNMAP = layout('vfio_iommu_type1_dma_unmap');
const ARGSZ = UNMAP.word.argsz!;
const FLAGS = UNMAP.word.flags!;
const IOVA = UNMAP.word.iova!;
const SIZE = UNMAP.word.size!;

const GET_DIRTY = uapi.flags.dma_unmap_flags!.VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP!;
const ALL = uapi.flags.dma_unmap_flags!.VFIO_DMA_UNMAP_FLAG_ALL!;
const INVALIDATE = uapi.flags.dma_unmap_flags!.VFIO_DMA_UNMAP_FLAG_VADDR!;

/** Bytes of the description of a bitmap, which follows the struct: page size, size in bytes, address. */
const BITMAP_SIZE = 24;
/** A bitmap's most bytes. */
const BITMAP_MAXIMUM = 2n ** 28n;
/** First address that is none of user space. */
const USER_END = 0x7fff_ffff_f000n;

/** VFIO_IOMMU_UNMAP_DMA: ends mappings, or declares their process addresses invalid. */
export function* unmapDma(backend: Type1, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, UNMAP.size);
  if (words === undefined) return 'EFAULT';

  // argument
  const flags = words[FLAGS]!;
  if (words[ARGSZ]! < UNMAP.size || (flags & ~(GET_DIRTY | ALL | INVALIDATE)) !== 0) return 'EINVAL';
  if (flags & GET_DIRTY) {
    if (flags & (ALL | INVALIDATE)) return 'EINVAL';
    if (words[ARGSZ]! < UNMAP.size + BITMAP_SIZE) return 'EINVAL';
    if (yield COPY_FROM_USER) return 'EFAULT';
    const bitmap = process.mm.copyFromUser(argument + UNMAP.size, BITMAP_SIZE);
    if (bitmap === undefined) return 'EFAULT';
    if (!isBitmapSane(bitmap, wide(words, SIZE))) return 'EINVAL';
  }

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const unmapped = yield* unmapLocked(backend, words, flags);
  backend.lock.release();
  if (typeof unmapped === 'string') return unmapped;

  // result
  const [low, high] = bytesOfPages(unmapped);
  words[SIZE] = low;
  words[SIZE + 1] = high;
  if (yield COPY_TO_USER) return 'EFAULT';
  return process.mm.copyToUser(argument, words) ? 0 : 'EFAULT';
}

/** Whether a bitmap lies in user space and is as large as it must be for a range. */
function isBitmapSane(bitmap: number[], rangeBytes: bigint): boolean {
  const bytes = wide(bitmap, 2);
  const address = wide(bitmap, 4);
  if (bytes > USER_END || address > USER_END - bytes) return false;
  const pages = rangeBytes >> trailingZeros(wide(bitmap, 0));
  if (pages === 0n || bytes === 0n || bytes > BITMAP_MAXIMUM) return false;
  return bytes >= ((pages + 63n) / 64n) * 8n;
}

function wide(words: number[], at: number): bigint {
  return (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]!);
}

/** Number of the lowest bit that is set; the CPU counts 64 for none, and shifts by the low six bits of that. */
function trailingZeros(value: bigint): bigint {
  let count = 0n;
  while (count < 64n && !((value >> count) & 1n)) count++;
  return count % 64n;
}

function* unmapLocked(backend: Type1, words: number[], flags: number): Steps<number | 'EINVAL'> {
  const all = (flags & ALL) !== 0;
  const iova = pageNumber(words, IOVA);
  const count = pageNumber(words, SIZE);
  if (iova < 0) return 'EINVAL';
  if (all ? iova !== 0 || count !== 0 : count <= 0 || iova + count > ALL_PAGES) return 'EINVAL';
  // Dirty pages are tracked for nobody.
  if (flags & GET_DIRTY) return 'EINVAL';
  if (backend.v2 && !all) {
    const last = iova + count - 1;
    const atFirst = backend.dmas.at(iova);
    if (atFirst !== undefined && atFirst.iova !== iova) return 'EINVAL';
    const atLast = backend.dmas.at(last);
    if (atLast !== undefined && atLast.iova + atLast.count - 1 !== last) return 'EINVAL';
  }
  // The end of a range up to the last page of all comes out as 0, so that no mapping lies before it.
  const end = all ? ALL_PAGES : (iova + count) % ALL_PAGES;
  const affected = between(backend, iova, end);

  // effect
  if (flags & INVALIDATE) return invalidate(backend, affected);
  let unmapped = 0;
  // From the end, where taking one out moves fewer others.
  for (const dma of affected.reverse()) {
    unmapped += dma.count;
    yield* backend.remove(dma);
  }
  return unmapped;
}

/** Mappings that end after a page and begin before another. The first interface stops at one that begins too early. */
function between(backend: Type1, iova: number, end: number): Dma[] {
  const { entries } = backend.dmas;
  const first = backend.dmas.firstEndingAfter(iova);
  if (!backend.v2 && first < entries.length && entries[first]!.iova < iova) return [];
  let last = first;
  while (last < entries.length && entries[last]!.iova < end) last++;
  return entries.slice(first, last);
}

/** Marks mappings, all or none. */
function invalidate(backend: Type1, dmas: Dma[]): number | 'EINVAL' {
  if (dmas.some(({ vaddrInvalid }) => vaddrInvalid)) return 'EINVAL';
  let marked = 0;
  for (const dma of dmas) {
    dma.vaddrInvalid = true;
    backend.invalidCount++;
    marked += dma.count;
  }
  return marked;
}
