import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Process } from '../files/file-table.ts';
import { bytesOfPages, pageNumber } from '../mm/page-number.ts';
import { PAGE_SIZE } from '../mm/physical-memory.ts';
import type { flushNested } from '../pasids/unmap-flush.ts';
import type { Result } from '../result.ts';
import { COPY_FROM_USER, COPY_TO_USER, LOCK, type Steps } from '../steps.ts';
import { layout } from '../vfio/requests.ts';
import { BITMAP_ARGUMENT_BYTES, BitmapArgument } from './bitmap-argument.ts';
import { ALL_PAGES, type cuts, type Dma } from './dma-list.ts';
import type { RemoveParts } from './remove-mapping.ts';
import type { Type1State, WithParts } from './type1-state.ts';

const UNMAP = layout('vfio_iommu_type1_dma_unmap');
const ARGSZ = UNMAP.word.argsz!;
const FLAGS = UNMAP.word.flags!;
const IOVA = UNMAP.word.iova!;
const SIZE = UNMAP.word.size!;

const GET_DIRTY = uapi.flags.dma_unmap_flags!.VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP!;
const ALL = uapi.flags.dma_unmap_flags!.VFIO_DMA_UNMAP_FLAG_ALL!;
const INVALIDATE = uapi.flags.dma_unmap_flags!.VFIO_DMA_UNMAP_FLAG_VADDR!;

/** What UNMAP_DMA calls through the backend's table. */
export interface UnmapParts extends RemoveParts {
  readonly cuts: typeof cuts;
  readonly flushNested: typeof flushNested;
  readonly removeMappings: typeof removeMappings;
}

/** VFIO_IOMMU_UNMAP_DMA: ends mappings, or declares their process addresses invalid. */
export function* unmapDma(backend: WithParts<UnmapParts>, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, UNMAP.size);
  if (words === undefined) return 'EFAULT';

  // argument
  const flags = words[FLAGS]!;
  const known = backend.parameters.base_kernel === '2020' ? 0 : GET_DIRTY | ALL | INVALIDATE;
  if (words[ARGSZ]! < UNMAP.size || (flags & ~known) !== 0) return 'EINVAL';
  let bitmap: BitmapArgument | undefined;
  if (flags & GET_DIRTY) {
    if (flags & (ALL | INVALIDATE)) return 'EINVAL';
    if (words[ARGSZ]! < UNMAP.size + BITMAP_ARGUMENT_BYTES) return 'EINVAL';
    if (yield COPY_FROM_USER) return 'EFAULT';
    const description = process.mm.copyFromUser(argument + UNMAP.size, BITMAP_ARGUMENT_BYTES);
    if (description === undefined) return 'EFAULT';
    bitmap = new BitmapArgument(description, 0);
    if (!bitmap.isSane(words[SIZE]!, words[SIZE + 1]!)) return 'EINVAL';
  }

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const unmapped = yield* unmapLocked(backend, process, words, flags, bitmap);
  if (unmapped !== 0) backend.parts.flushNested(backend);
  backend.lock.release();
  if (typeof unmapped === 'string') return unmapped;

  // result
  const [low, high] = bytesOfPages(unmapped);
  words[SIZE] = low;
  words[SIZE + 1] = high;
  if (yield COPY_TO_USER) return 'EFAULT';
  return process.mm.copyToUser(argument, words) ? 0 : 'EFAULT';
}

function* unmapLocked(
  backend: WithParts<UnmapParts>,
  process: Process,
  words: number[],
  flags: number,
  bitmap: BitmapArgument | undefined,
): Steps<number | 'EINVAL' | 'EFAULT'> {
  // argument
  const all = (flags & ALL) !== 0;
  const iova = pageNumber(words, IOVA);
  const count = pageNumber(words, SIZE);
  if (iova < 0) return 'EINVAL';
  if (all ? iova !== 0 || count !== 0 : count <= 0 || iova + count > ALL_PAGES) return 'EINVAL';

  // state
  if (bitmap !== undefined && (!backend.tracksDirtyPages || !bitmap.isForPagesOf(PAGE_SIZE))) return 'EINVAL';
  if (backend.v2 && !all && backend.parts.cuts(backend.dmas, iova, count)) return 'EINVAL';
  // The end of a range up to the last page of all comes out as 0, so that no mapping lies before it.
  const end = all ? ALL_PAGES : (iova + count) % ALL_PAGES;
  const affected = between(backend, iova, end);

  // effect
  if (flags & INVALIDATE) return invalidate(backend, affected);
  if (bitmap !== undefined) return yield* reportAndRemove(backend, process, affected, iova, bitmap.address);
  return yield* backend.parts.removeMappings(backend, affected);
}

/** Ends mappings; gives how many pages they had. */
export function* removeMappings(backend: WithParts<RemoveParts>, dmas: Dma[]): Steps<number> {
  let unmapped = 0;
  for (const dma of dmas) {
    unmapped += dma.count;
    yield* backend.parts.removeMapping(backend, dma);
  }
  return unmapped;
}

/** Reports of each mapping what is dirty, then ends it. Those before one that cannot be reported are gone. */
function* reportAndRemove(
  backend: WithParts<RemoveParts>,
  process: Process,
  dmas: Dma[],
  iova: number,
  address: number,
): Steps<number | 'EFAULT'> {
  let unmapped = 0;
  for (const dma of dmas) {
    if (!(yield* dma.dirty!.report(process, address, dma.iova - iova))) return 'EFAULT';
    unmapped += dma.count;
    yield* backend.parts.removeMapping(backend, dma);
  }
  return unmapped;
}

/** Mappings that end after a page and begin before another. The first interface stops at one that begins too early. */
function between(backend: Type1State, iova: number, end: number): Dma[] {
  const dmas: Dma[] = [];
  for (const dma of backend.dmas.endingAfter(iova)) {
    if (dma.iova >= end || (!backend.v2 && dma.iova < iova)) break;
    dmas.push(dma);
  }
  return dmas;
}

/** Marks mappings, all or none. */
function invalidate(backend: Type1State, dmas: Dma[]): number | 'EINVAL' {
  if (dmas.some(({ vaddrInvalid }) => vaddrInvalid)) return 'EINVAL';
  let marked = 0;
  for (const dma of dmas) {
    dma.vaddrInvalid = true;
    backend.invalidCount++;
    marked += dma.count;
  }
  return marked;
}
