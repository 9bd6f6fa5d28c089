import { asOwner } from './as-owner.ts';
import type { SimulatorDefect } from './defect.ts';

/** The set that a PASID belongs to is not compared. */
export const freeOfAnotherOwner: SimulatorDefect = {
  name: 'free_of_another_owner',
  sentence: 'FREE takes a PASID back that belongs to another process.',
  handler: 'VFIO_IOMMU_PASID_REQUEST',
  kind: 'ownership',
  needs: { nesting_series: ['repaired'] },
  change: ({ repairedFree }) => ({
    repairedFree: (backend, pasid) => repairedFree(asOwner(backend, pasid), pasid),
  }),
};
