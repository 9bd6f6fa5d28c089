import type { SimulatorDefect } from './defect.ts';

/** VFIO_IOMMU_INFO_CAPS is not set. */
export const getInfoLacksCapsFlag: SimulatorDefect = {
  name: 'get_info_lacks_caps_flag',
  sentence: 'GET_INFO writes its capabilities, and does not set the flag that says that there are any.',
  handler: 'VFIO_IOMMU_GET_INFO',
  kind: 'capability',
  change: ({ infoFlags }) => ({ infoFlags: () => infoFlags(false) }),
};
