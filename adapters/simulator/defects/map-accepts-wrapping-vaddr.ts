import type { SimulatorDefect } from './defect.ts';

/** The sum of iova and size is checked, that of vaddr and size is not. */
export const mapAcceptsWrappingVaddr: SimulatorDefect = {
  name: 'map_accepts_wrapping_vaddr',
  sentence: 'MAP_DMA does not check whether vaddr + size wraps, and finds only while pinning that nothing is there.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'missing_check',
  change: ({ isSane }) => ({ isSane: (iova, vaddr, count) => isSane(iova, Math.min(vaddr, 0), count) }),
};
