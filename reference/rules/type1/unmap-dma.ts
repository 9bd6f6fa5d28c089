import { uapi } from '../../../spec/uapi/uapi.ts';
import type { RangeCall } from '../../call/families.ts';
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
  unmap_dma_argsz_too_small: ({ range }) => range.argsz < unmapSize,
  unmap_dma_any_flag: ({ range }) => range.flags !== 0,
  unmap_dma_flag_unknown: ({ range }) => (range.flags & ~UNMAP_FLAGS) !== 0,
  unmap_dma_dirty_with_other_flag: ({ range }) => has(range.flags, DIRTY) && has(range.flags, ALL! | UNMAP_VADDR!),
  unmap_dma_dirty_argsz_too_small: ({ range }) => has(range.flags, DIRTY) && range.argsz < unmapExtended,
  unmap_dma_asks_for_dirty_bitmap: ({ range }) => has(range.flags, DIRTY),
  unmap_dma_dirty_tracking_off: (call) => has(call.range.flags, DIRTY) && !backendOf(call).dirtyTracking,
  unmap_dma_dirty_page_size: (call) => has(call.range.flags, DIRTY) && call.range.pageSize !== BigInt(PAGE),
  unmap_dma_iova_not_aligned: ({ range }) => (range.iova & PAGE_MASK) !== 0n,
  unmap_dma_all_with_range: ({ range }) => has(range.flags, ALL) && (range.iova !== 0n || range.size !== 0n),
  unmap_dma_size_zero: ({ range }) => !has(range.flags, ALL) && range.size === 0n,
  unmap_dma_size_not_aligned: ({ range }) => !has(range.flags, ALL) && (range.size & PAGE_MASK) !== 0n,
  unmap_dma_range_wraps: ({ range }) => wraps(range.iova, range.size),
  unmap_dma_cuts_first_mapping: (call) => {
    const { flags, iova } = call.range;
    if (!backendOf(call).v2 || has(flags, ALL)) return false;
    const found = backendOf(call).mappings.at(iova);
    return found !== undefined && found.iova !== iova;
  },
  unmap_dma_cuts_last_mapping: (call) => {
    const { flags, iova, size } = call.range;
    if (!backendOf(call).v2 || has(flags, ALL)) return false;
    const found = backendOf(call).mappings.at(iova + size - 1n);
    return found !== undefined && found.iova + found.size !== iova + size;
  },
  unmap_dma_vaddr_already_invalidated: (call) =>
    has(call.range.flags, UNMAP_VADDR) &&
    !removesNothing(call) &&
    backendOf(call)
      .mappings.overlapping(...walkedRange(call))
      .some(({ vaddrInvalid }) => vaddrInvalid),
  unmap_dma_end_of_address_space: (call) => endsAtTop(call),
  unmap_dma_v1_starts_inside_mapping: (call) => startsInside(call),
  unmap_dma_invalidates_vaddr: ({ range }) => has(range.flags, UNMAP_VADDR),
  unmap_dma_removes_mappings: () => true,
} satisfies Conditions<RangeCall>;

export const effects = {
  unmap_dma_end_of_address_space: nothing,
  unmap_dma_v1_starts_inside_mapping: nothing,
  unmap_dma_invalidates_vaddr: (call) => {
    for (const mapping of backendOf(call).mappings.overlapping(...walkedRange(call))) {
      mapping.vaddrInvalid = true;
      call.range.unmapped += mapping.size;
    }
  },
  unmap_dma_removes_reported_mapping: (call) => {
    const mapping = call.range.mapping!;
    uncharge(mapping);
    call.range.unmapped += mapping.size;
    backendOf(call).mappings.remove(mapping);
  },
  unmap_dma_removes_mappings: (call) => {
    const gone = backendOf(call).mappings.overlapping(...walkedRange(call));
    for (const mapping of gone) {
      uncharge(mapping);
      call.range.unmapped += mapping.size;
    }
    for (const mapping of gone) backendOf(call).mappings.remove(mapping);
  },
  unmap_dma_flushes_nested: (call) => {
    if (call.range.unmapped === 0n) return;
    for (const { cache, groups } of backendOf(call).domains) {
      cache.flush({});
      for (const group of groups) for (const { tlb } of membersOf(group)) tlb.flush({});
    }
  },
} satisfies Effects<RangeCall>;

export const contents = {
  unmap_dma_writes_argument: (call) => {
    const bytes = call.argument.bytes.slice(0, unmapSize);
    new DataView(bytes.buffer).setBigUint64(SIZE_AT, call.range.unmapped, true);
    return { address: call.argument.value, bytes };
  },
} satisfies Contents<RangeCall>;

function endsAtTop({ range }: RangeCall): boolean {
  return !has(range.flags, ALL) && range.iova + range.size === 1n << 64n;
}

function startsInside(call: RangeCall): boolean {
  if (backendOf(call).v2 || has(call.range.flags, ALL)) return false;
  const found = backendOf(call).mappings.at(call.range.iova);
  return found !== undefined && found.iova !== call.range.iova;
}

function removesNothing(call: RangeCall): boolean {
  return endsAtTop(call) || startsInside(call);
}

/** The range that an UNMAP_DMA walks over. */
function walkedRange({ range }: RangeCall): [bigint, bigint] {
  return has(range.flags, ALL) ? [0n, 1n << 64n] : [range.iova, range.size];
}
