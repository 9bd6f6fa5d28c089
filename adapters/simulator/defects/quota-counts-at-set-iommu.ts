import type { SimulatorDefect } from './defect.ts';

/** A set is made as large as the parameter says at the time, in place of 1,000. */
export const quotaCountsAtSetIommu: SimulatorDefect = {
  name: 'quota_counts_at_set_iommu',
  sentence: 'SET_IOMMU already applies the parameter pasid_quota, which only the next ALLOC of the process has to.',
  handler: 'VFIO_SET_IOMMU',
  kind: 'quota',
  needs: { nesting_series: ['as_posted'] },
  change: ({ PasidService }) => ({
    PasidService: class extends PasidService {
      protected override get firstQuota(): number {
        return this.module.pasidQuota;
      }
    },
  }),
};
