import type { SimulatorDefect } from './defect.ts';

/** Nobody notifies the IOMMU driver that a PASID is gone (finding U4). */
export const freeLeavesBindings: SimulatorDefect = {
  name: 'free_leaves_bindings',
  sentence: 'FREE of a PASID leaves it bound, so that its devices go on using the table.',
  handler: 'VFIO_IOMMU_PASID_REQUEST',
  kind: 'lifetime',
  needs: { free_of_bound: ['unbinds'] },
  change: ({ VtdDriver }) => ({
    VtdDriver: class extends VtdDriver {
      override freed(): void {}
    },
  }),
};
