import type { SimulatorDefect } from './defect.ts';

/** One count is kept for all sets. */
export const quotaCountsAllProcesses: SimulatorDefect = {
  name: 'quota_counts_all_processes',
  sentence: 'The PASIDs of all processes count against the quota of each.',
  handler: 'VFIO_IOMMU_PASID_REQUEST',
  kind: 'quota',
  needs: { pasid_request: ['present'] },
  change: ({ PasidService }) => ({
    PasidService: class extends PasidService {
      protected override usedBy(): number {
        return [...this.owners.values()].reduce((sum, { pasids }) => sum + pasids.size, 0);
      }
    },
  }),
};
