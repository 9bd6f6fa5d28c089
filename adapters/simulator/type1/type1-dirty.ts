import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Process } from '../files/file-table.ts';
import { pageNumber } from '../mm/page-number.ts';
import { PAGE_SIZE } from '../mm/physical-memory.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, COPY_FROM_USER, done, LOCK, type Steps } from '../steps.ts';
import { layout } from '../vfio/requests.ts';
import { BITMAP_ARGUMENT_BYTES, BitmapArgument } from './bitmap-argument.ts';
import type { DirtyBitmap } from './dirty-bitmap.ts';
import type { cuts } from './dma-list.ts';
import type { Type1State, WithParts } from './type1-state.ts';

const DIRTY = layout('vfio_iommu_type1_dirty_bitmap');
const ARGSZ = DIRTY.word.argsz!;
const FLAGS = DIRTY.word.flags!;
/** The range follows the struct. */
const RANGE_BYTES = 16 + BITMAP_ARGUMENT_BYTES;
const IOVA = 0;
const SIZE = 2;
const BITMAP = 4;

const START = uapi.flags.dirty_pages_flags!.VFIO_IOMMU_DIRTY_PAGES_FLAG_START!;
const STOP = uapi.flags.dirty_pages_flags!.VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP!;
const GET_BITMAP = uapi.flags.dirty_pages_flags!.VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP!;

/** What DIRTY_PAGES calls through the backend's table. */
export interface DirtyParts {
  readonly DirtyBitmap: typeof DirtyBitmap;
  readonly cuts: typeof cuts;
}

/** VFIO_IOMMU_DIRTY_PAGES: starts and stops to track which pages devices have written, and reports which. */
export function dirtyPages(backend: WithParts<DirtyParts>, process: Process, argument: number): Steps<Result> {
  return backend.v2 ? dirtyPagesOfV2(backend, process, argument) : done('EACCES');
}

function* dirtyPagesOfV2(backend: WithParts<DirtyParts>, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, DIRTY.size);
  if (words === undefined) return 'EFAULT';

  // argument
  if (words[ARGSZ]! < DIRTY.size) return 'EINVAL';
  switch (words[FLAGS]) {
    case START:
      return yield* start(backend);
    case STOP:
      return yield* stop(backend);
    case GET_BITMAP:
      return words[ARGSZ]! < DIRTY.size + RANGE_BYTES ? 'EINVAL' : yield* getBitmap(backend, process, argument);
    default:
      return 'EINVAL';
  }
}

function* start(backend: WithParts<DirtyParts>): Steps<Result> {
  // state
  do yield LOCK;
  while (!backend.lock.take());
  const errno = backend.tracksDirtyPages ? undefined : yield* startLocked(backend);
  backend.lock.release();

  // result
  return errno ?? 0;
}

function* startLocked(backend: WithParts<DirtyParts>): Steps<Errno | undefined> {
  for (const dma of backend.dmas) {
    if (yield ALLOCATION) {
      for (const earlier of backend.dmas) earlier.dirty = undefined;
      return 'ENOMEM';
    }
    // effect
    dma.dirty = new backend.parts.DirtyBitmap(dma.count);
  }
  backend.tracksDirtyPages = true;
  return undefined;
}

function* stop(backend: Type1State): Steps<Result> {
  // state
  do yield LOCK;
  while (!backend.lock.take());

  // effect
  backend.tracksDirtyPages = false;
  for (const dma of backend.dmas) dma.dirty = undefined;
  backend.lock.release();

  // result
  return 0;
}

function* getBitmap(backend: WithParts<DirtyParts>, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument + DIRTY.size, RANGE_BYTES);
  if (words === undefined) return 'EFAULT';

  // argument
  if (endsBehindAll(words)) return 'EINVAL';
  const bitmap = new BitmapArgument(words, BITMAP);
  if (!bitmap.isSane(words[SIZE]!, words[SIZE + 1]!)) return 'EINVAL';

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const errno = yield* getBitmapLocked(backend, process, words, bitmap);
  backend.lock.release();

  // result
  return errno ?? 0;
}

function* getBitmapLocked(
  backend: WithParts<DirtyParts>,
  process: Process,
  words: number[],
  bitmap: BitmapArgument,
): Steps<Errno | undefined> {
  // argument
  const iova = pageNumber(words, IOVA);
  const count = pageNumber(words, SIZE);
  if (!bitmap.isForPagesOf(PAGE_SIZE) || iova < 0 || count <= 0) return 'EINVAL';

  // state
  if (!backend.tracksDirtyPages || backend.parts.cuts(backend.dmas, iova, count)) return 'EINVAL';

  // effect
  for (const dma of backend.dmas.endingAfter(iova)) {
    if (dma.iova > iova + count - 1) break;
    if (!(yield* dma.dirty!.report(process, bitmap.address, dma.iova - iova))) return 'EFAULT';
    dma.dirty!.clear();
  }
  return undefined;
}

/** Whether a range ends at 2^64 or behind. */
function endsBehindAll(words: number[]): boolean {
  const carry = words[IOVA]! + words[SIZE]! >= 2 ** 32 ? 1 : 0;
  return words[IOVA + 1]! + words[SIZE + 1]! + carry >= 2 ** 32;
}
