import type { Device } from '../state/device.ts';
import type { Group } from '../state/state.ts';
import { type EntryUpdate, type SecondStage, type Walk, walkGuestTable } from './guest-page-walk.ts';
import type { TranslationCache } from './translation-cache.ts';

/** What the hardware has to translate. */
export interface TranslationRequest {
  device: Device;
  pasid: number;
  address: bigint;
  writes: boolean;
  secondStage: SecondStage;
  /** What the IOMMU may have cached; undefined for a device that is in no domain. */
  cache: TranslationCache | undefined;
}

/** The second stage of the devices of a group: the mappings of its container. With `readsWriteOnly` what is mapped with WRITE alone can be read. */
export function secondStageOf({ container }: Group, readsWriteOnly: boolean): SecondStage {
  const backend = container?.backend;
  return (address) => {
    const mapping = backend?.mappings.at(address);
    const page = mapping?.pages[Number((address - mapping.iova) >> 12n)];
    return mapping && page && { page, read: mapping.read || readsWriteOnly, write: mapping.write };
  };
}

/** A way in which a request may be translated, and what may be cached afterwards. */
export interface Way {
  walk: Walk;
  fills: (() => void)[];
}

/**
 * The ways in which the hardware may translate: by the table as it is, which comes first, or by something cached. Ways
 * that nobody can distinguish are one.
 */
export function waysToTranslate(request: TranslationRequest, fresh: Walk): Way[] {
  const { device, pasid, address, writes, secondStage, cache } = request;
  const ways: Way[] = [];
  const add = (walk: Walk, fill: () => void) => {
    const known = ways.find((way) => sameToAll(way.walk, walk));
    if (known) known.fills.push(fill);
    else ways.push({ walk, fills: [fill] });
  };
  const addWalk = (walk: Walk) => add(walk, () => cacheWalk(request, walk));
  addWalk(fresh);
  for (const found of device.tlb.pages(pasid, address)) {
    if (writes ? found.write : found.read) add(hit(found), () => {});
  }
  for (const found of cache?.pages(pasid, address) ?? []) {
    if (writes ? found.write : found.read) add(hit(found), () => device.tlb.addPage(pasid, address, found));
  }
  for (const start of cache?.entries(pasid, address) ?? []) {
    if (!writes || start.write) addWalk(walkGuestTable(address, writes, start, secondStage));
  }
  return ways;
}

const hit = (found: NonNullable<Walk['found']>): Walk => ({ found, fault: undefined, updates: [], passed: [] });

/** Nothing that faulted is cached. */
function cacheWalk({ device, pasid, address, cache }: TranslationRequest, { found, passed }: Walk): void {
  if (!found) return;
  device.tlb.addPage(pasid, address, found);
  cache?.addPage(pasid, address, found);
  for (const entry of passed) cache?.addEntry(pasid, address, entry);
}

/** Whether neither the process nor the guest can distinguish two walks. */
function sameToAll(a: Walk, b: Walk): boolean {
  return a.fault === b.fault && a.found?.page === b.found?.page && sameUpdates(a.updates, b.updates);
}

function sameUpdates(a: readonly EntryUpdate[], b: readonly EntryUpdate[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => one.table === b[i]!.table && one.at === b[i]!.at && one.bits === b[i]!.bits)
  );
}
