import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Invalidation } from '../../call/cache-request.ts';
import type { CacheCall } from '../../call/families.ts';
import {
  ADDR,
  ALL_CACHES,
  DEV_IOTLB,
  DOMAIN,
  documented,
  type Granularities,
  hasUnknownInfoFlag,
  IOTLB,
  NAMES_PASID,
  PASID,
  PASID_CACHE,
} from '../../call/invalidation-request.ts';
import { PASID_END } from '../../state/state.ts';
import { type Conditions, type Effects, has, nothing } from '../rule-functions.ts';
import { ability, DATA, dataSize, nests, pasidBits, readUpTo, visited } from './driver-call.ts';
import { isMediated } from './nesting.ts';

const VERSION = uapi.values.cache_invalidate_version!.IOMMU_CACHE_INVALIDATE_INFO_VERSION_1;
const PAGE_SHIFT = 12n;

const { IOMMU_INV_ADDR_FLAGS_LEAF: LEAF } = uapi.flags.invalidate_address_flags!;

/** How much of the data the IOMMU core of Linux 5.10 reads first; bytes. */
const LEAST_OF_INVALIDATE = 16;
const PASID_INVALIDATE = 32;
const WHOLE_INVALIDATE = 56;

/** Granularities that drivers take, by kind of cache. */
const v10: Granularities = {
  [IOTLB]: [PASID, ADDR],
  [DEV_IOTLB]: [DOMAIN, PASID],
  [PASID_CACHE]: [DOMAIN, PASID],
};
const v58: Granularities = { [IOTLB]: [PASID, ADDR], [DEV_IOTLB]: [ADDR], [PASID_CACHE]: [] };

const pairIn = (call: CacheCall, table: Granularities) => table[call.cache.type]!.includes(call.cache.data.granularity);
const finds = ({ granularity, flags }: Invalidation) => granularity !== DOMAIN && has(flags, NAMES_PASID);

/** A request that should name a PASID does not. */
function namesNoPasid(call: CacheCall): boolean {
  const info = call.cache.data;
  return info.granularity !== DOMAIN && !finds(info);
}

/** 4 KiB pages of an address range, as the hardware counts them: 2 to the power of the result. */
function order({ granuleSize, granules }: Invalidation): bigint {
  const pages = BigInt.asUintN(64, granuleSize * granules) >> PAGE_SHIFT;
  let result = 0n;
  while (1n << result < pages) result++;
  return result;
}

/** What an IOTLB or device TLB request covers: of a misaligned range the block around its first byte, or the one around its last, too. */
function coverage(info: Invalidation, whole: boolean) {
  if (info.granularity === DOMAIN) return {};
  const pasid = Number(BigInt.asUintN(32, info.pasid));
  if (info.pasid >= BigInt(PASID_END)) return undefined;
  if (info.granularity === PASID) return { pasid };
  const bytes = 1n << (order(info) + PAGE_SHIFT);
  const first = info.address & ~(bytes - 1n);
  const last = BigInt.asUintN(64, info.address + BigInt.asUintN(64, info.granuleSize * info.granules) - 1n);
  const blocks = whole && last > info.address && last >= first + bytes ? 2n : 1n;
  return {
    pasid,
    first,
    pages: (bytes >> PAGE_SHIFT) * blocks,
    leaf: has(info.flags, LEAF),
  };
}

function flush(call: CacheCall, which: 'both' | 'device', whole = false): void {
  const what = coverage(call.cache.data, whole);
  if (!what) return;
  visited(call).tlb.flush(what);
  if (which === 'both') call.visit.domain!.cache.flush(what);
}

export const conditions = {
  iommu_core_invalidate_reads_minsz: (call) => !call.copyIn(DATA, LEAST_OF_INVALIDATE),
  iommu_core_invalidate_argsz_too_small: (call) => dataSize(call) < LEAST_OF_INVALIDATE,
  iommu_core_invalidate_argsz_too_small_for_granularity: (call) => {
    const { granularity } = call.cache.data;
    return (
      (granularity === PASID && dataSize(call) < PASID_INVALIDATE) ||
      (granularity === ADDR && dataSize(call) < WHOLE_INVALIDATE)
    );
  },
  iommu_core_invalidate_reads_data: (call) => !readUpTo(call, LEAST_OF_INVALIDATE, WHOLE_INVALIDATE),
  iommu_core_invalidate_version_unknown: (call) => call.cache.data.version !== VERSION,
  iommu_core_invalidate_cache_unknown: (call) => (call.cache.data.cache & ~ALL_CACHES) !== 0,
  iommu_core_invalidate_granularity_unknown: (call) => call.cache.data.granularity > ADDR,
  iommu_core_invalidate_combination_unsupported: (call) => {
    const { granularity, cache } = call.cache.data;
    return (granularity === ADDR && has(cache, PASID_CACHE)) || (granularity === DOMAIN && has(cache, DEV_IOTLB));
  },
  iommu_core_invalidate_info_flag_unknown: (call) => hasUnknownInfoFlag(call.cache.data),
  iommu_core_invalidate_padding_not_zero: (call) => !call.cache.data.padded,
  driver_invalidate_version: (call) => call.cache.data.version !== VERSION,
  driver_invalidate_domain_does_not_nest: (call) => !nests(call),
  driver_invalidate_without_iommu: (call) => isMediated(visited(call)),
  driver_invalidate_device_is_not_pci: (call) => visited(call).slot.kind === 'platform',
  driver_invalidate_without_ats: (call) => ability(call) === undefined || pasidBits(visited(call)) === 0,
  driver_invalidate_granularity_beyond_table: (call) => call.cache.data.granularity > ADDR,
  driver_invalidate_combination_unsupported_v10: (call) => !pairIn(call, v10),
  driver_invalidate_combination_skipped: (call) => !pairIn(call, v58),
  driver_invalidate_combination_unsupported: (call) => !pairIn(call, documented),
  driver_invalidate_of_no_pasid_is_no_op: (call) => !finds(call.cache.data),
  driver_invalidate_misaligned: (call) => {
    const info = call.cache.data;
    if (call.cache.type !== IOTLB || info.granularity !== ADDR || order(info) === 0n) return false;
    return (info.address & ((1n << (order(info) + PAGE_SHIFT)) - 1n)) !== 0n;
  },
  driver_invalidate_without_pasid: namesNoPasid,
  driver_invalidate_of_no_pasid_uses_pasid_0: namesNoPasid,
  driver_invalidate_flushes_iotlb: ({ cache }) => cache.type === IOTLB,
  driver_invalidate_flushes_device_tlb: ({ cache }) => cache.type === DEV_IOTLB,
  driver_invalidate_flushes_iotlb_of_each_granularity: ({ cache }) => cache.type === IOTLB,
  driver_invalidate_flushes_device_tlb_of_each_granularity: ({ cache }) => cache.type === DEV_IOTLB,
} satisfies Conditions<CacheCall>;

export const effects = {
  driver_invalidate_of_no_pasid_uses_pasid_0: nothing,
  driver_invalidate_flushes_iotlb: (call) => flush(call, 'both'),
  driver_invalidate_flushes_device_tlb: (call) => flush(call, 'device'),
  driver_invalidate_flushes_iotlb_of_each_granularity: (call) => flush(call, 'both', true),
  driver_invalidate_flushes_device_tlb_of_each_granularity: (call) => flush(call, 'device', true),
} satisfies Effects<CacheCall>;
