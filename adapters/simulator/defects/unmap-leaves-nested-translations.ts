import type { SimulatorDefect } from './defect.ts';

/** The IOTLB is flushed for the domain, and not for the PASIDs of its devices. */
export const unmapLeavesNestedTranslations: SimulatorDefect = {
  name: 'unmap_leaves_nested_translations',
  sentence:
    'UNMAP_DMA does not flush what was kept of guest tables, so that a device still gets at memory that is no longer mapped.',
  handler: 'VFIO_IOMMU_UNMAP_DMA',
  kind: 'cache',
  needs: { bind: ['present'], unmap_flushes_nested: ['yes'] },
  change: () => ({ flushNested() {} }),
};
