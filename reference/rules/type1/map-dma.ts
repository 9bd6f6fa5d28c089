import { toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { MapCall } from '../../call/families.ts';
import { backendOf } from '../../call/operands.ts';
import { PAGE, type Page } from '../../memory/user-memory.ts';
import { wraps } from '../../state/mapping-list.ts';
import { type Process, uncharge } from '../../state/state.ts';
import { type Conditions, type Effects, has } from '../rule-functions.ts';

const {
  VFIO_DMA_MAP_FLAG_READ: READ,
  VFIO_DMA_MAP_FLAG_WRITE: WRITE,
  VFIO_DMA_MAP_FLAG_VADDR: VADDR,
} = uapi.flags.dma_map_flags as Record<string, number>;
const MAP_FLAGS = READ! | WRITE! | VADDR!;
const mapSize = uapi.structs.vfio_iommu_type1_dma_map!.size;
const PAGE_MASK = BigInt(PAGE - 1);

/** The page that every untouched page of Linux 6.1 reads as. */
const zeroPage: Page = {
  bytes: undefined,
  fill: 0,
  untouched: false,
  watched: false,
  device: false,
  changes: undefined,
  relocated: undefined,
};

export const conditions = {
  map_dma_argsz_too_small: ({ map }) => map.argsz < mapSize,
  map_dma_flag_unknown: ({ map }) => (map.flags & ~MAP_FLAGS) !== 0,
  map_dma_vaddr_flag_unknown: ({ map }) => has(map.flags, VADDR),
  map_dma_without_domain: (call) => backendOf(call).domains.length === 0,
  map_dma_vaddr_flag_with_access: ({ map }) => has(map.flags, VADDR) && has(map.flags, READ! | WRITE!),
  map_dma_no_flag: ({ map }) => map.flags === 0,
  map_dma_size_zero: ({ map }) => map.size === 0n,
  map_dma_not_page_aligned: ({ map }) => ((map.size | map.iova | map.vaddr) & PAGE_MASK) !== 0n,
  map_dma_iova_wraps: ({ map }) => wraps(map.iova, map.size),
  map_dma_vaddr_wraps: ({ map }) => wraps(map.vaddr, map.size),
  map_dma_vaddr_update_without_mapping: (call) =>
    has(call.map.flags, VADDR) && !backendOf(call).mappings.firstOverlap(call.map.iova, call.map.size),
  map_dma_vaddr_update_not_invalidated: (call) =>
    has(call.map.flags, VADDR) && !backendOf(call).mappings.firstOverlap(call.map.iova, call.map.size)!.vaddrInvalid,
  map_dma_vaddr_update_other_range: (call) => {
    if (!has(call.map.flags, VADDR)) return false;
    const found = backendOf(call).mappings.firstOverlap(call.map.iova, call.map.size)!;
    return found.iova !== call.map.iova || found.size !== call.map.size;
  },
  map_dma_vaddr_update_memlock_exceeded: (call) => {
    if (!has(call.map.flags, VADDR)) return false;
    const { charged } = backendOf(call).mappings.firstOverlap(call.map.iova, call.map.size)!;
    return charged.process !== call.process && charged.pages > 0 && exceedsMemlock(call.process, charged.pages);
  },
  map_dma_updates_vaddr: ({ map }) => has(map.flags, VADDR),
  map_dma_overlaps: (call) => backendOf(call).mappings.firstOverlap(call.map.iova, call.map.size) !== undefined,
  map_dma_entry_limit_reached: (call) => backendOf(call).mappings.size >= backendOf(call).entryLimit,
  map_dma_outside_valid_iova: (call) => !insideOneValidRange(call, call.map.iova, call.map.iova + call.map.size - 1n),
  map_dma_page_not_accessible: ({ map }) => {
    const protection = map.page?.region.pages[map.page.index] && map.page.region.protection[map.page.index];
    return protection !== 'read-write' && protection !== (has(map.flags, WRITE) ? 'write' : 'read');
  },
  map_dma_device_page_is_not_charged: ({ map: { page } }) => page!.region.pages[page!.index]!.device,
  map_dma_untouched_page_is_zero_page: (call) => untouchedAndReadOnly(call),
  map_dma_untouched_page_is_private: (call) => untouchedAndReadOnly(call),
  map_dma_pins_page: (call) => !untouchedAndReadOnly(call),
  map_dma_memlock_exceeded: ({ process, map }) => exceedsMemlock(process, map.charge + 1),
} satisfies Conditions<MapCall>;

export const effects = {
  map_dma_updates_vaddr: (call) => {
    const mapping = backendOf(call).mappings.firstOverlap(call.map.iova, call.map.size)!;
    mapping.vaddrInvalid = false;
    uncharge(mapping);
    mapping.charged = { process: call.process, pages: mapping.charged.pages };
    call.process.lockedPages += mapping.charged.pages;
  },
  map_dma_device_page_is_not_charged: (call) => pin(call, 0),
  map_dma_untouched_page_is_zero_page: (call) => {
    call.map.pinned.push(zeroPage);
  },
  map_dma_untouched_page_is_private: (call) => pin(call, 1),
  map_dma_pins_page: (call) => pin(call, 1),
  map_dma_creates_mapping: (call) => {
    const { iova, size, flags } = call.map;
    call.process.lockedPages += call.map.charge;
    backendOf(call).mappings.insert({
      iova,
      size,
      read: (flags & READ!) !== 0,
      write: (flags & WRITE!) !== 0,
      pages: call.map.pinned,
      charged: { process: call.process, pages: call.map.charge },
      vaddrInvalid: false,
      dirty: backendOf(call).dirtyTracking ? 0n : undefined,
    });
  },
} satisfies Effects<MapCall>;

/** Valid I/O virtual ranges: the aperture without the reserved ranges. */
function insideOneValidRange(call: MapCall, first: bigint, last: bigint): boolean {
  const { apertureLast, reserved } = call.world.environment;
  return (
    last <= toBigInt(apertureLast) &&
    reserved.every((range) => last < toBigInt(range.first) || first > toBigInt(range.last))
  );
}

function exceedsMemlock({ ipcLock, lockedPages, memlockBytes }: Process, more: number): boolean {
  return !ipcLock && BigInt(lockedPages + more) > memlockBytes / BigInt(PAGE);
}

function untouchedAndReadOnly({ map }: MapCall): boolean {
  const { region, index } = map.page!;
  return region.private && region.pages[index]!.untouched && !has(map.flags, WRITE);
}

function pin(call: MapCall, charge: 0 | 1): void {
  const page = call.map.page!.region.pages[call.map.page!.index]!;
  page.untouched = false;
  call.map.pinned.push(page);
  call.map.charge += charge;
}
