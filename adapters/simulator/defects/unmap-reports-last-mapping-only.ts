import type { SimulatorDefect } from './defect.ts';

/** The size is assigned in the loop, not added up. */
export const unmapReportsLastMappingOnly: SimulatorDefect = {
  name: 'unmap_reports_last_mapping_only',
  sentence: 'UNMAP_DMA of several mappings reports the size of the last one only.',
  handler: 'VFIO_IOMMU_UNMAP_DMA',
  kind: 'accounting',
  change: ({ removeMappings }) => ({
    *removeMappings(backend, dmas) {
      const last = dmas.at(-1)?.count ?? 0;
      yield* removeMappings(backend, dmas);
      return last;
    },
  }),
};
