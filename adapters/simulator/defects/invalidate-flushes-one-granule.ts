import type { DeviceTlb } from '../nested/device-tlb.ts';
import type { NestedTranslation } from '../nested/translation-unit.ts';
import type { InvalidateData } from '../pasids/guest-structs.ts';
import type { SimulatorDefect } from './defect.ts';

/** nb_granules is not multiplied. */
export const invalidateFlushesOneGranule: SimulatorDefect = {
  name: 'invalidate_flushes_one_granule',
  sentence: 'CACHE_INVALIDATE of a range of addresses flushes the first granule only.',
  handler: 'VFIO_IOMMU_CACHE_INVALIDATE',
  kind: 'cache',
  needs: { cache_invalidate: ['present'] },
  change: ({ VtdDriver }) => ({
    VtdDriver: class extends VtdDriver {
      protected override flush(nested: NestedTranslation, tlb: DeviceTlb | undefined, data: InvalidateData) {
        return super.flush(nested, tlb, { ...data, granules: 1n });
      }
    },
  }),
};
