import { writeResult } from '../pasids/pasid-request-struct.ts';
import type { SimulatorDefect } from './defect.ts';

/** The error path of ALLOC does not free. */
export const allocKeepsPasidOfFailedCopy: SimulatorDefect = {
  name: 'alloc_keeps_pasid_of_failed_copy',
  sentence: 'ALLOC that cannot write its result answers EFAULT, and the PASID stays allocated.',
  handler: 'VFIO_IOMMU_PASID_REQUEST',
  kind: 'roll_back',
  needs: { nesting_series: ['repaired'] },
  change: () => ({
    *tellRepaired(_, process, argument, pasid) {
      return (yield* writeResult(process, argument, pasid)) === 0 ? 0 : 'EFAULT';
    },
  }),
};
