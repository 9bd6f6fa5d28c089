import type { SimulatorDefect } from './defect.ts';

/** vfio_iommu_map takes the first of domain_list in place of all. */
export const mapReachesNewestIommuOnly: SimulatorDefect = {
  name: 'map_reaches_newest_iommu_only',
  sentence: 'In a container with several IOMMUs MAP_DMA enters a mapping only in the page table that was made last.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'fan_out',
  change: ({ mapLocked }) => ({
    *mapLocked(backend, ...rest) {
      const others = backend.domains.splice(1);
      const errno = yield* mapLocked(backend, ...rest);
      backend.domains.push(...others);
      return errno;
    },
  }),
};
