import type { SimulatorDefect } from './defect.ts';

/** Flags that mean something: a PASID, a context, only the last entries. */
const KNOWN = 7;

/** The flags of the information are masked in place of checked (finding V2). */
export const invalidateAcceptsUnknownFlags: SimulatorDefect = {
  name: 'invalidate_accepts_unknown_flags',
  sentence: 'CACHE_INVALIDATE accepts unknown flags of what it says about a PASID or an address.',
  handler: 'VFIO_IOMMU_CACHE_INVALIDATE',
  kind: 'missing_check',
  needs: { nesting_series: ['repaired'] },
  change: ({ isKnownInvalidate }) => ({
    isKnownInvalidate: (data) => isKnownInvalidate({ ...data, flags: data.flags & KNOWN }),
  }),
};
