import type { Dma } from '../type1/dma-list.ts';
import type { SimulatorDefect } from './defect.ts';

/** Pages are unpinned without vfio_lock_acct. */
export const unmapKeepsMemlockCharge: SimulatorDefect = {
  name: 'unmap_keeps_memlock_charge',
  sentence: 'UNMAP_DMA unpins pages and leaves them charged to the process.',
  handler: 'VFIO_IOMMU_UNMAP_DMA',
  kind: 'accounting',
  change: ({ Type1 }) => ({
    Type1: class extends Type1 {
      override *remove(dma: Dma) {
        const { mm, lockedPages } = dma;
        yield* super.remove(dma);
        mm.lockedPages += lockedPages;
      }
    },
  }),
};
