import type { DeviceTlb } from '../nested/device-tlb.ts';
import type { NestedTranslation } from '../nested/translation-unit.ts';
import type { InvalidateData } from '../pasids/guest-structs.ts';
import type { SimulatorDefect } from './defect.ts';

/** A device with ATS is taken for one without. */
export const invalidateLeavesDeviceTlb: SimulatorDefect = {
  name: 'invalidate_leaves_device_tlb',
  sentence: 'CACHE_INVALIDATE flushes the IOMMU and never the device, which so goes on using what it kept.',
  handler: 'VFIO_IOMMU_CACHE_INVALIDATE',
  kind: 'cache',
  needs: { cache_invalidate: ['present'] },
  change: ({ VtdDriver }) => ({
    VtdDriver: class extends VtdDriver {
      protected override flush(nested: NestedTranslation, _tlb: DeviceTlb | undefined, data: InvalidateData) {
        return super.flush(nested, undefined, data);
      }
    },
  }),
};
