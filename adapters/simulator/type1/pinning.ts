import type { Process } from '../files/file-table.ts';
import { Direction } from '../mm/direction.ts';
import { lockLimit } from '../mm/lock-limit.ts';
import type { Page } from '../mm/physical-memory.ts';
import type { Errno } from '../result.ts';
import type { Steps } from '../steps.ts';
import type { Dma } from './dma-list.ts';

/**
 * Pins a page of a mapping, the one that it grows by next if none is named, and charges it to the owner. The limit is the one of the caller when it
 * began; a page that is not there decides before the limit does.
 */
export function* pinNext(dma: Dma, limit: number, index = dma.count): Steps<Page | Errno> {
  const page = yield* dma.mm.pin(dma.vaddr + index, (dma.allowed & Direction.WRITE) !== 0);
  if (typeof page === 'string' || page.reserved) return page;
  if (!dma.exempt && dma.mm.lockedPages + 1 > limit) {
    page.pins--;
    return 'ENOMEM';
  }
  charge(dma, 1);
  return page;
}

/** Unpins the pages of a mapping and gives their charge back. */
export function unpin(dma: Dma, takeOut: (index: number) => Page | undefined): void {
  let unlocked = 0;
  for (let i = 0; i < dma.count; i++) {
    const page = takeOut(i);
    if (page === undefined || page.reserved) continue;
    page.pins--;
    unlocked++;
  }
  charge(dma, -unlocked);
}

/** Moves a mapping with its charge to the process that calls; ENOMEM when that may not lock so much. */
export function changeOwner(dma: Dma, process: Process): Errno | undefined {
  if (process.mm === dma.mm) return undefined;
  const exempt = process.capabilities.ipc_lock;
  if (!exempt && process.mm.lockedPages + dma.lockedPages > lockLimit(process)) return 'ENOMEM';
  process.mm.lockedPages += dma.lockedPages;
  dma.mm.lockedPages -= dma.lockedPages;
  dma.mm = process.mm;
  dma.exempt = exempt;
  return undefined;
}

function charge(dma: Dma, pages: number): void {
  dma.mm.lockedPages += pages;
  dma.lockedPages += pages;
}
