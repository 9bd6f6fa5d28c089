import type { SimulatorDefect } from './defect.ts';

/** The capability is not added. */
export const getInfoLacksNestingCapability: SimulatorDefect = {
  name: 'get_info_lacks_nesting_capability',
  sentence: 'GET_INFO does not report the nesting capability of a container whose device can be bound.',
  handler: 'VFIO_IOMMU_GET_INFO',
  kind: 'capability',
  needs: { bind: ['present'], base_kernel: ['2020'] },
  change: () => ({ nestingCapability: () => undefined }),
};
