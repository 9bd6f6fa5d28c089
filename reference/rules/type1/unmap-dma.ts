import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Call } from '../../call/call.ts';
import { backendOf } from '../../call/operands.ts';
import { PAGE } from '../../memory/user-memory.ts';
import { wraps } from '../../state/mapping-list.ts';
import { membersOf, uncharge } from '../../state/state.ts';
import { type Conditions, type Contents, type Effects, has, nothing } from '../rule-functions.ts';

const {
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP: DIRTY,
  VFIO_DMA_UNMAP_FLAG_ALL: ALL,
  VFIO_DMA_UNMAP_FLAG_VADDR: UNMAP_VADDR,
} = uapi.flags.dma_unmap_flags as Record<string, number>;
const UNMAP_FLAGS = DIRTY! | ALL! | UNMAP_VADDR!;
const { size: unmapSize, extended: unmapExtended } = uapi.structs.vfio_iommu_type1_dma_unmap! as {
  size: number;
  extended: number;
};
/** Where the argument says how much was removed. */
const SIZE_AT = uapi.structs.vfio_iommu_type1_dma_unmap!.fields.find(({ name }) => name === 'size')!.at;
const PAGE_MASK = BigInt(PAGE - 1);

export const conditions = {
  unmap_dma_argsz_too_small: ({ unmap }) => unmap.argsz < unmapSize,
  unmap_dma_any_flag: ({ unmap }) => unmap.flags !== 0,
  unmap_dma_flag_unknown: ({ unmap }) => (unmap.flags & ~UNMAP_FLAGS) !== 0,
  unmap_dma_dirty_with_other_flag: ({ unmap }) => has(unmap.flags, DIRTY) && has(unmap.flags, ALL! | UNMAP_VADDR!),
  unmap_dma_dirty_argsz_too_small: ({ unmap }) => has(unmap.flags, DIRTY) && unmap.argsz < unmapExtended,
  unmap_dma_asks_for_dirty_bitmap: ({ unmap }) => has(unmap.flags, DIRTY),
  unmap_dma_dirty_tracking_off: (call) => has(call.unmap.flags, DIRTY) && !backendOf(call).dirtyTracking,
  unmap_dma_dirty_page_size: (call) => has(call.unmap.flags, DIRTY) && call.bitmap.pageSize !== BigInt(PAGE),
  unmap_dma_iova_not_aligned: ({ unmap }) => (unmap.iova & PAGE_MASK) !== 0n,
  unmap_dma_all_with_range: ({ unmap }) => has(unmap.flags, ALL) && (unmap.iova !== 0n || unmap.size !== 0n),
  unmap_dma_size_zero: ({ unmap }) => !has(unmap.flags, ALL) && unmap.size === 0n,
  unmap_dma_size_not_aligned: ({ unmap }) => !has(unmap.flags, ALL) && (unmap.size & PAGE_MASK) !== 0n,
  unmap_dma_range_wraps: ({ unmap }) => wraps(unmap.iova, unmap.size),
  unmap_dma_cuts_first_mapping: (call) => {
    const { flags, iova } = call.unmap;
    if (!backendOf(call).v2 || has(flags, ALL)) return false;
    const found = backendOf(call).mappings.at(iova);
    return found !== undefined && found.iova !== iova;
  },
  unmap_dma_cuts_last_mapping: (call) => {
    const { flags, iova, size } = call.unmap;
    if (!backendOf(call).v2 || has(flags, ALL)) return false;
    const found = backendOf(call).mappings.at(iova + size - 1n);
    return found !== undefined && found.iova + found.size !== iova + size;
  },
  unmap_dma_vaddr_already_invalidated: (call) =>
    has(call.unmap.flags, UNMAP_VADDR) &&
    !removesNothing(call) &&
    backendOf(call)
      .mappings.overlapping(...walkedRange(call))
      .some(({ vaddrInvalid }) => vaddrInvalid),
  unmap_dma_end_of_address_space: (call) => endsAtTop(call),
  unmap_dma_v1_starts_inside_mapping: (call) => startsInside(call),
  unmap_dma_invalidates_vaddr: ({ unmap }) => has(unmap.flags, UNMAP_VADDR),
  unmap_dma_removes_mappings: () => true,
} satisfies Conditions;

export const effects = {
  unmap_dma_end_of_address_space: nothing,
  unmap_dma_v1_starts_inside_mapping: nothing,
  unmap_dma_invalidates_vaddr: (call) => {
    for (const mapping of backendOf(call).mappings.overlapping(...walkedRange(call))) {
      mapping.vaddrInvalid = true;
      call.unmapped += mapping.size;
    }
  },
  unmap_dma_removes_reported_mapping: (call) => {
    const mapping = call.mapping!;
    uncharge(mapping);
    call.unmapped += mapping.size;
    backendOf(call).mappings.remove(mapping);
  },
  unmap_dma_removes_mappings: (call) => {
    const gone = backendOf(call).mappings.overlapping(...walkedRange(call));
    for (const mapping of gone) {
      uncharge(mapping);
      call.unmapped += mapping.size;
    }
    for (const mapping of gone) backendOf(call).mappings.remove(mapping);
  },
  unmap_dma_flushes_nested: (call) => {
    if (call.unmapped === 0n) return;
    for (const { cache, groups } of backendOf(call).domains) {
      cache.flush({});
      for (const group of groups) for (const { tlb } of membersOf(group)) tlb.flush({});
    }
  },
} satisfies Effects;

export const contents = {
  unmap_dma_writes_argument: (call) => {
    const bytes = call.block.slice(0, unmapSize);
    new DataView(bytes.buffer).setBigUint64(SIZE_AT, call.unmapped, true);
    return { address: call.argument, bytes };
  },
} satisfies Contents;

function endsAtTop({ unmap }: Call): boolean {
  return !has(unmap.flags, ALL) && unmap.iova + unmap.size === 1n << 64n;
}

function startsInside(call: Call): boolean {
  if (backendOf(call).v2 || has(call.unmap.flags, ALL)) return false;
  const found = backendOf(call).mappings.at(call.unmap.iova);
  return found !== undefined && found.iova !== call.unmap.iova;
}

function removesNothing(call: Call): boolean {
  return endsAtTop(call) || startsInside(call);
}

/** The range that an UNMAP_DMA walks over. */
function walkedRange({ unmap }: Call): [bigint, bigint] {
  return has(unmap.flags, ALL) ? [0n, 1n << 64n] : [unmap.iova, unmap.size];
}
