import type { SimulatorDefect } from './defect.ts';

/** Pages are unpinned without vfio_lock_acct. */
export const unmapKeepsMemlockCharge: SimulatorDefect = {
  name: 'unmap_keeps_memlock_charge',
  sentence: 'UNMAP_DMA unpins pages and leaves them charged to the process.',
  handler: 'VFIO_IOMMU_UNMAP_DMA',
  kind: 'accounting',
  change: ({ removeMapping }) => ({
    *removeMapping(backend, dma) {
      const { mm, lockedPages } = dma;
      yield* removeMapping(backend, dma);
      mm.lockedPages += lockedPages;
    },
  }),
};
