import type { SimulatorDefect } from './defect.ts';

/** The error path removes the mapping without giving its place back. */
export const failedMapKeepsEntry: SimulatorDefect = {
  name: 'failed_map_keeps_entry',
  sentence: 'A MAP_DMA that fails while pinning goes on counting against dma_entry_limit.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'roll_back',
  change: ({ mapLocked }) => ({
    *mapLocked(backend, ...rest) {
      const errno = yield* mapLocked(backend, ...rest);
      if (errno === 'EFAULT' || errno === 'ENOMEM') backend.available--;
      return errno;
    },
  }),
};
