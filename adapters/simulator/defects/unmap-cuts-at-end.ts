import type { SimulatorDefect } from './defect.ts';

/** Only the first of the two look-ups is made. */
export const unmapCutsAtEnd: SimulatorDefect = {
  name: 'unmap_cuts_at_end',
  sentence:
    'UNMAP_DMA of the second interface checks that no mapping is cut where the range begins, and not where it ends.',
  handler: 'VFIO_IOMMU_UNMAP_DMA',
  kind: 'missing_check',
  change: () => ({
    cuts(dmas, iova) {
      const atFirst = dmas.at(iova);
      return atFirst !== undefined && atFirst.iova !== iova;
    },
  }),
};
