import type { SimulatorDefect } from './defect.ts';

/** Since only the PASID is used, the rest of the data is not looked at (finding V9). */
export const unbindChecksNothing: SimulatorDefect = {
  name: 'unbind_checks_nothing',
  sentence: 'UNBIND accepts data of any version and format, with unknown flags, and any PASID.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'missing_check',
  needs: { nesting_series: ['repaired'] },
  change: ({ isKnownBind }) => ({ isKnownBind: (data, binds) => !binds || isKnownBind(data, binds) }),
};
