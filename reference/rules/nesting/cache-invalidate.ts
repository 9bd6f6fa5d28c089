import { uapi } from '../../../spec/uapi/uapi.ts';
import type { CacheCall } from '../../call/families.ts';
import {
  ADDR,
  ALL_CACHES,
  DOMAIN,
  documented,
  hasUnknownInfoFlag,
  NAMES_PASID,
} from '../../call/invalidation-request.ts';
import { containerOf } from '../../call/operands.ts';
import { PASID_END } from '../../state/state.ts';
import { type Conditions, has } from '../rule-functions.ts';
import { devicesOf } from './nesting.ts';

const HEADER = 8;
const { size } = uapi.structs.vfio_iommu_type1_cache_invalidate!;
const VERSION = uapi.values.cache_invalidate_version!.IOMMU_CACHE_INVALIDATE_INFO_VERSION_1;
const NEGATIVE = 2 ** 31;
const END = 1n << 64n;

export const conditions = {
  cache_invalidate_is_absent: () => true,
  cache_invalidate_argsz_below_header: ({ argument }) => argument.argsz < HEADER,
  cache_invalidate_argsz_below_56: ({ argument }) => argument.argsz < size,
  cache_invalidate_flag_unknown: ({ argument }) => argument.flags !== 0,
  cache_invalidate_version_0: (call) => call.cache.data.version === 0,
  cache_invalidate_version_beyond_size_table: (call) => call.cache.data.version > VERSION!,
  cache_invalidate_version_before_size_table: (call) => call.cache.data.version >= NEGATIVE,
  cache_invalidate_size_is_negative: (call) => call.cache.data.version > VERSION!,
  cache_invalidate_version_unknown: (call) => call.cache.data.version !== VERSION,
  cache_invalidate_padding_not_zero: (call) => !call.cache.data.padded,
  cache_invalidate_cache_unknown: (call) => (call.cache.data.cache & ~ALL_CACHES) !== 0,
  cache_invalidate_granularity_unknown: (call) => call.cache.data.granularity > ADDR,
  cache_invalidate_combination_unsupported: (call) => {
    const { cache, granularity } = call.cache.data;
    return Object.entries(documented).some(([type, some]) => has(cache, Number(type)) && !some.includes(granularity));
  },
  cache_invalidate_info_flag_unknown: (call) => hasUnknownInfoFlag(call.cache.data),
  cache_invalidate_without_pasid: (call) => {
    const { granularity, flags } = call.cache.data;
    return granularity !== DOMAIN && !has(flags, NAMES_PASID);
  },
  cache_invalidate_pasid_out_of_range: (call) => {
    const { granularity, pasid } = call.cache.data;
    return granularity !== DOMAIN && (pasid === 0n || pasid >= BigInt(PASID_END));
  },
  cache_invalidate_range_wraps: (call) => {
    const { granularity, address, granuleSize, granules } = call.cache.data;
    return granularity === ADDR && (granuleSize * granules >= END || address + granuleSize * granules > END);
  },
  cache_invalidate_of_unbound: (call) => {
    const { cache, granularity, pasid } = call.cache.data;
    return (
      cache !== 0 &&
      devicesOf(containerOf(call)).some(({ pasidTable }) =>
        granularity === DOMAIN ? pasidTable.size > 0 : pasidTable.has(Number(pasid)),
      )
    );
  },
} satisfies Conditions<CacheCall>;
