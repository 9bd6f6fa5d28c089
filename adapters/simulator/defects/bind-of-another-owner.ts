import { asOwner } from './as-owner.ts';
import type { SimulatorDefect } from './defect.ts';

/** That a PASID is allocated is enough (finding V11). */
export const bindOfAnotherOwner: SimulatorDefect = {
  name: 'bind_of_another_owner',
  sentence: 'BIND accepts a PASID that belongs to another process.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'ownership',
  needs: { nesting_series: ['repaired'] },
  change: ({ repairedBindLocked }) => ({
    *repairedBindLocked(backend, process, data) {
      return yield* repairedBindLocked(asOwner(backend, Number(data.hpasid)), process, data);
    },
  }),
};
