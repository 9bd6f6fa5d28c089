import type { SimulatorDefect } from './defect.ts';

/** The entry is taken first, and then the count is compared with 0. */
export const oneMappingAboveEntryLimit: SimulatorDefect = {
  name: 'one_mapping_above_entry_limit',
  sentence: 'MAP_DMA allows one mapping more than dma_entry_limit.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'quota',
  change: ({ mapLocked }) => ({
    *mapLocked(backend, ...rest) {
      backend.available++;
      const errno = yield* mapLocked(backend, ...rest);
      backend.available--;
      return errno;
    },
  }),
};
