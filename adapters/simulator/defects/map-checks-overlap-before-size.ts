import { layout } from '../vfio/requests.ts';
import type { SimulatorDefect } from './defect.ts';

const { word } = layout('vfio_iommu_type1_dma_map');

/** vfio_find_dma is called before the arguments are checked. */
export const mapChecksOverlapBeforeSize: SimulatorDefect = {
  name: 'map_checks_overlap_before_size',
  sentence:
    'MAP_DMA looks for a mapping in the way before it checks alignment and size, and fails with EEXIST in place of EINVAL.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'order_of_checks',
  change: ({ mapLocked }) => ({
    *mapLocked(backend, process, words, allowed, newVaddr) {
      const page = (at: number) => words[at + 1]! * 2 ** 20 + (words[at]! >>> 12);
      const inTheWay = backend.dmas.overlapping(page(word.iova!), Math.max(page(word.size!), 1));
      if (!newVaddr && inTheWay !== undefined) return 'EEXIST';
      return yield* mapLocked(backend, process, words, allowed, newVaddr);
    },
  }),
};
