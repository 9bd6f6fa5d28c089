import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Process } from '../files/file-table.ts';
import { Direction } from '../mm/direction.ts';
import { lockLimit } from '../mm/lock-limit.ts';
import { pageNumber } from '../mm/page-number.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, COPY_FROM_USER, DRIVER_CALL, LOCK, type Steps } from '../steps.ts';
import { layout } from '../vfio/requests.ts';
import type { DirtyBitmap } from './dirty-bitmap.ts';
import { ALL_PAGES, type Dma } from './dma-list.ts';
import { changeOwner, pinNext } from './pinning.ts';
import type { RemoveParts } from './remove-mapping.ts';
import type { Type1State, WithParts } from './type1-state.ts';

const MAP = layout('vfio_iommu_type1_dma_map');
const ARGSZ = MAP.word.argsz!;
const FLAGS = MAP.word.flags!;
const VADDR = MAP.word.vaddr!;
const IOVA = MAP.word.iova!;
const SIZE = MAP.word.size!;

const READ = uapi.flags.dma_map_flags!.VFIO_DMA_MAP_FLAG_READ!;
const WRITE = uapi.flags.dma_map_flags!.VFIO_DMA_MAP_FLAG_WRITE!;
const NEW_VADDR = uapi.flags.dma_map_flags!.VFIO_DMA_MAP_FLAG_VADDR!;

/** What MAP_DMA calls through the backend's table. */
export interface MapParts extends RemoveParts {
  readonly DirtyBitmap: typeof DirtyBitmap;
  readonly isSane: typeof isSane;
  readonly mapLocked: typeof mapLocked;
  readonly updateVaddr: typeof updateVaddr;
}

/** VFIO_IOMMU_MAP_DMA: lets devices get at memory of the calling process. */
export function* mapDma(backend: WithParts<MapParts>, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, MAP.size);
  if (words === undefined) return 'EFAULT';

  // argument
  const flags = words[FLAGS]!;
  const known = backend.parameters.base_kernel === '2020' ? READ | WRITE : READ | WRITE | NEW_VADDR;
  if (words[ARGSZ]! < MAP.size || (flags & ~known) !== 0) return 'EINVAL';
  const allowed = (flags & READ ? Direction.READ : 0) | (flags & WRITE ? Direction.WRITE : 0);
  const newVaddr = (flags & NEW_VADDR) !== 0;
  if ((allowed !== 0) === newVaddr) return 'EINVAL';

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const errno = yield* backend.parts.mapLocked(backend, process, words, allowed, newVaddr);
  backend.lock.release();

  // result
  return errno ?? 0;
}

/** The same with the backend's lock held. */
export function* mapLocked(
  backend: WithParts<MapParts>,
  process: Process,
  words: number[],
  allowed: number,
  newVaddr: boolean,
): Steps<Errno | undefined> {
  // argument
  const iova = pageNumber(words, IOVA);
  const vaddr = pageNumber(words, VADDR);
  const count = pageNumber(words, SIZE);
  if (!backend.parts.isSane(iova, vaddr, count)) return 'EINVAL';

  // state
  const existing = backend.dmas.overlapping(iova, count);
  if (newVaddr) return backend.parts.updateVaddr(backend, process, existing, iova, count, vaddr);
  if (existing !== undefined) return 'EEXIST';
  if (backend.available === 0) return 'ENOSPC';
  if (!isTranslated(backend, iova, count)) return 'EINVAL';
  if (yield ALLOCATION) return 'ENOMEM';

  // effect
  const dma: Dma = {
    iova,
    vaddr,
    count: 0,
    allowed,
    mm: process.mm,
    exempt: process.capabilities.ipc_lock,
    lockedPages: 0,
    vaddrInvalid: false,
    dirty: undefined,
  };
  backend.available--;
  backend.dmas.insert(dma);
  let errno = yield* pinAndMap(backend, dma, count, lockLimit(process));
  if (errno === undefined && backend.tracksDirtyPages) {
    if (yield ALLOCATION) errno = 'ENOMEM';
    else dma.dirty = new backend.parts.DirtyBitmap(count);
  }
  if (errno !== undefined) yield* backend.parts.removeMapping(backend, dma);

  // result
  return errno;
}

/** Whether numbers of pages are such at all, and no range ends beyond the last of all. */
export function isSane(iova: number, vaddr: number, count: number): boolean {
  if (iova < 0 || vaddr < 0 || count <= 0) return false;
  return iova + count <= ALL_PAGES && vaddr + count <= ALL_PAGES;
}

/** Whether a range is one that can be translated, as any is before there is an IOMMU. */
function isTranslated({ validRanges }: Type1State, iova: number, count: number): boolean {
  return validRanges.length === 0 || validRanges.some(({ first, last }) => iova >= first && iova + count - 1 <= last);
}

/** Gives a mapping a process address again; `dma` is one in the range. */
export function updateVaddr(
  backend: Type1State,
  process: Process,
  dma: Dma | undefined,
  iova: number,
  count: number,
  vaddr: number,
): Errno | undefined {
  // state
  if (dma === undefined) return 'ENOENT';
  if (!dma.vaddrInvalid || dma.iova !== iova || dma.count !== count) return 'EINVAL';

  // effect
  const errno = changeOwner(dma, process);
  if (errno !== undefined) return errno;
  dma.vaddr = vaddr;
  dma.vaddrInvalid = false;
  backend.invalidCount--;
  return undefined;
}

/** Pages that pinning asks for at once. */
const BATCH = 512;

/** Pages are got in batches, before any of them is charged: where the charge fails, the rest of the batch is there already. */
function faultInBatch(dma: Dma, count: number): void {
  if ((dma.allowed & Direction.WRITE) === 0) return;
  const end = Math.min(count, (Math.floor(dma.count / BATCH) + 1) * BATCH);
  dma.mm.faultIn(dma.vaddr + dma.count, end - dma.count);
}

/** Page by page, so that a mapping that fails has grown as far as it got, and can be removed like any other. */
function* pinAndMap(backend: Type1State, dma: Dma, count: number, limit: number): Steps<Errno | undefined> {
  // Where nothing is translated, nothing has to be in place.
  if (backend.domains.length === 0) dma.count = count;
  while (dma.count < count) {
    const page = yield* pinNext(dma, limit);
    if (typeof page === 'string') {
      if (page === 'ENOMEM') faultInBatch(dma, count);
      return page;
    }
    const iovaPage = dma.iova + dma.count;
    for (const { domain } of backend.domains) {
      yield DRIVER_CALL;
      domain.map(iovaPage, page, dma.allowed);
    }
    dma.count++;
  }
  return undefined;
}
