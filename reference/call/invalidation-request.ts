import { uapi } from '../../spec/uapi/uapi.ts';
import type { Invalidation } from './cache-request.ts';

/** What CACHE_INVALIDATE is for: all of a domain, a PASID, a range of addresses. */
export const {
  IOMMU_INV_GRANU_DOMAIN: DOMAIN,
  IOMMU_INV_GRANU_PASID: PASID,
  IOMMU_INV_GRANU_ADDR: ADDR,
} = uapi.values.granularity as Record<
  'IOMMU_INV_GRANU_DOMAIN' | 'IOMMU_INV_GRANU_PASID' | 'IOMMU_INV_GRANU_ADDR',
  number
>;

/** The kinds of caches, a bit each. */
export const {
  IOMMU_CACHE_INV_TYPE_IOTLB: IOTLB,
  IOMMU_CACHE_INV_TYPE_DEV_IOTLB: DEV_IOTLB,
  IOMMU_CACHE_INV_TYPE_PASID: PASID_CACHE,
} = uapi.flags.cache_types as Record<
  'IOMMU_CACHE_INV_TYPE_IOTLB' | 'IOMMU_CACHE_INV_TYPE_DEV_IOTLB' | 'IOMMU_CACHE_INV_TYPE_PASID',
  number
>;
export const ALL_CACHES = IOTLB | DEV_IOTLB | PASID_CACHE;

const all = (flags: Record<string, number>) => Object.values(flags).reduce((sum, flag) => sum | flag, 0);
const ADDR_FLAGS = all(uapi.flags.invalidate_address_flags!);
const PASID_FLAGS = all(uapi.flags.invalidate_pasid_flags!);

/** The flag that says that a PASID is given: the same bit for a PASID and for addresses. */
export const NAMES_PASID = uapi.flags.invalidate_address_flags!.IOMMU_INV_ADDR_FLAGS_PASID;

/** Granularities by kind of cache. */
export type Granularities = Record<number, readonly number[]>;

/** Those that the header documents. */
export const documented: Granularities = {
  [IOTLB]: [DOMAIN, PASID, ADDR],
  [DEV_IOTLB]: [PASID, ADDR],
  [PASID_CACHE]: [DOMAIN, PASID],
};

/** Whether the flags of the PASID or of the addresses have one that the header does not name. */
export function hasUnknownInfoFlag({ granularity, flags }: Invalidation): boolean {
  return granularity !== DOMAIN && (flags & ~(granularity === ADDR ? ADDR_FLAGS : PASID_FLAGS)) !== 0;
}
