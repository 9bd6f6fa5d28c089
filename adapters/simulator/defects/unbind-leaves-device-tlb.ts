import type { IommuDevice } from '../iommu/iommu-group.ts';
import type { SimulatorDefect } from './defect.ts';

/** devtlb_invalidation_with_pasid is not called when an entry is torn down. */
export const unbindLeavesDeviceTlb: SimulatorDefect = {
  name: 'unbind_leaves_device_tlb',
  sentence: 'UNBIND flushes the IOMMU and not the device, which so goes on using what it kept.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'cache',
  needs: { bind: ['present'] },
  change: ({ VtdDriver }) => ({
    VtdDriver: class extends VtdDriver {
      protected override tearDown({ pasids, group: { domain } }: IommuDevice, pasid: number): void {
        pasids!.table.clear(pasid);
        domain?.nested.flushPasidCache(pasid);
        domain?.nested.flushIotlb({ pasid });
      }
    },
  }),
};
