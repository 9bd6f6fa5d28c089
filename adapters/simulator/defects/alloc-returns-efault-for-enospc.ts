import type { SimulatorDefect } from './defect.ts';

/** Whatever the allocator returns comes out as EFAULT, as in the series as posted (finding P1). */
export const allocReturnsEfaultForEnospc: SimulatorDefect = {
  name: 'alloc_returns_efault_for_enospc',
  sentence: 'ALLOC for which there is no PASID fails with EFAULT in place of ENOSPC.',
  handler: 'VFIO_IOMMU_PASID_REQUEST',
  kind: 'wrong_errno',
  needs: { nesting_series: ['repaired'] },
  change: ({ repairedAlloc }) => ({
    *repairedAlloc(...request) {
      const result = yield* repairedAlloc(...request);
      return result === 'ENOSPC' ? 'EFAULT' : result;
    },
  }),
};
