import type { SimulatorDefect } from './defect.ts';

/** vfio_unmap_unpin unmaps from the first domain of domain_list alone. */
export const unmapLeavesOtherIommus: SimulatorDefect = {
  name: 'unmap_leaves_other_iommus',
  sentence:
    'In a container with several IOMMUs UNMAP_DMA takes a mapping out of the page table that was made last only.',
  handler: 'VFIO_IOMMU_UNMAP_DMA',
  kind: 'fan_out',
  change: ({ removeMapping }) => ({
    *removeMapping(backend, dma) {
      const others = backend.domains.splice(1);
      yield* removeMapping(backend, dma);
      backend.domains.push(...others);
    },
  }),
};
