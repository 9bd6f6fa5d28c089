import { toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { RangeCall } from '../../call/families.ts';
import { backendOf } from '../../call/operands.ts';
import { PAGE } from '../../memory/user-memory.ts';
import { type Conditions, type Contents, type Effects, has, nothing } from '../rule-functions.ts';

const {
  VFIO_IOMMU_DIRTY_PAGES_FLAG_START: START,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP: STOP,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP: GET,
} = uapi.flags.dirty_pages_flags as Record<string, number>;
const FLAGS = START! | STOP! | GET!;
const { size: plainSize, extended: getSize } = uapi.structs.vfio_iommu_type1_dirty_bitmap! as {
  size: number;
  extended: number;
};
const PAGE_MASK = BigInt(PAGE - 1);
const PAGE_SHIFT = 12n;
/** Bits, and bytes, of a word of a bitmap. */
const WORD = 64n;
const WORD_BYTES = 8;
const MOST_BITMAP_BYTES = 1n << 28n;

/** Bytes of a bitmap for so many pages, as 64-bit arithmetic has it. */
function bitmapBytes(pages: bigint): bigint {
  return (BigInt.asUintN(64, pages + WORD - 1n) & ~(WORD - 1n)) / 8n;
}

/** Pages of the size that the caller named; the lowest bit of the size counts. */
function pagesAsked({ range }: RangeCall): bigint {
  let shift = 0n;
  if (range.pageSize !== 0n) while (((range.pageSize >> shift) & 1n) === 0n) shift++;
  return range.size >> shift;
}

/** Where the bits of the mapping under consideration are in the caller's bitmap. */
function placed(call: RangeCall): { address: bigint; shift: bigint; pages: bigint } {
  const mapping = call.range.mapping!;
  const bit = (mapping.iova - call.range.iova) >> PAGE_SHIFT;
  return {
    address: BigInt.asUintN(64, call.range.bitmapData + (bit / WORD) * BigInt(WORD_BYTES)),
    shift: bit % WORD,
    pages: mapping.size >> PAGE_SHIFT,
  };
}

/** Bits of the words that hold so many. */
const wordBits = (bits: bigint) => ((bits + WORD - 1n) / WORD) * WORD;

export const conditions = {
  dirty_pages_is_absent: () => true,
  dirty_pages_of_type1_v1: (call) => !backendOf(call).v2,
  dirty_pages_argsz_too_small: ({ range }) => range.argsz < plainSize,
  dirty_pages_flag_unknown: ({ range }) => (range.flags & ~FLAGS) !== 0,
  dirty_pages_not_one_flag: ({ range: { flags } }) => flags === 0 || (flags & (flags - 1)) !== 0,
  dirty_pages_start_when_on: (call) => has(call.range.flags, START) && backendOf(call).dirtyTracking,
  dirty_pages_starts: (call) => has(call.range.flags, START),
  dirty_pages_stops: (call) => has(call.range.flags, STOP),
  dirty_pages_get_argsz_too_small: ({ range }) => range.argsz < getSize,
  dirty_pages_get_range_wraps: ({ range }) => BigInt.asUintN(64, range.iova + range.size) < range.iova,
  dirty_bitmap_outside_user_memory: ({ range, world }) =>
    range.bitmapData + range.bitmapSize > toBigInt(world.environment.userAddressEnd),
  dirty_bitmap_range_below_page: (call) => pagesAsked(call) === 0n,
  dirty_bitmap_size_zero: ({ range }) => range.bitmapSize === 0n,
  dirty_bitmap_size_too_large: ({ range }) => range.bitmapSize > MOST_BITMAP_BYTES,
  dirty_bitmap_size_too_small: (call) => call.range.bitmapSize < bitmapBytes(pagesAsked(call)),
  dirty_pages_get_page_size: ({ range }) => range.pageSize !== BigInt(PAGE),
  dirty_pages_get_iova_not_aligned: ({ range }) => (range.iova & PAGE_MASK) !== 0n,
  dirty_pages_get_size_not_aligned: ({ range }) => (range.size & PAGE_MASK) !== 0n,
  dirty_pages_get_tracking_off: (call) => !backendOf(call).dirtyTracking,
  dirty_pages_get_cuts_first_mapping: (call) => {
    const found = backendOf(call).mappings.at(call.range.iova);
    return found !== undefined && found.iova !== call.range.iova;
  },
  dirty_pages_get_cuts_last_mapping: (call) => {
    const { iova, size } = call.range;
    const found = backendOf(call).mappings.at(iova + size - 1n);
    return found !== undefined && found.iova + found.size !== iova + size;
  },
  dirty_bitmap_first_word_unreadable: (call) => {
    const { address, shift } = placed(call);
    return shift !== 0n && call.process.memory.accessible(address, WORD_BYTES, 'read') < WORD_BYTES;
  },
} satisfies Conditions<RangeCall>;

export const effects = {
  dirty_pages_start_when_on: nothing,
  dirty_pages_starts: (call) => {
    backendOf(call).dirtyTracking = true;
    for (const mapping of backendOf(call).mappings) mapping.dirty = 0n;
  },
  dirty_pages_stops: (call) => {
    backendOf(call).dirtyTracking = false;
    for (const mapping of backendOf(call).mappings) mapping.dirty = undefined;
  },
  dirty_bitmap_has_every_page: (call) => {
    const { shift, pages } = placed(call);
    const mapping = call.range.mapping!;
    const full = mapping.dirty! | ((1n << pages) - 1n);
    // Only the words that the moved bits need are moved; what lies beyond them stays.
    const moved = (1n << wordBits(pages + shift)) - 1n;
    mapping.dirty = shift === 0n ? full : (full & ~moved) | ((full << shift) & moved);
  },
  dirty_bitmap_keeps_user_bits: (call) => {
    const { address, shift } = placed(call);
    if (shift === 0n) return;
    const word = new Uint8Array(WORD_BYTES);
    call.process.memory.read(address, word, 0, WORD_BYTES);
    call.range.mapping!.dirty! |= new DataView(word.buffer).getBigUint64(0, true);
  },
} satisfies Effects<RangeCall>;

export const contents = {
  dirty_bitmap_is_written: (call) => {
    const { address, shift, pages } = placed(call);
    const words = Number(wordBits(pages + shift) / WORD);
    const bytes = new Uint8Array(words * WORD_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < words; i++)
      view.setBigUint64(i * WORD_BYTES, BigInt.asUintN(64, call.range.mapping!.dirty! >> (BigInt(i) * WORD)), true);
    return { address, bytes };
  },
} satisfies Contents<RangeCall>;
