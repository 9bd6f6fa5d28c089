import { writeResult } from '../pasids/pasid-request-struct.ts';
import type { SimulatorDefect } from './defect.ts';

/** What copy_to_user returns is returned, as in the series as posted (findings P2 and V14). */
export const allocReturnsBytesNotCopied: SimulatorDefect = {
  name: 'alloc_returns_bytes_not_copied',
  sentence: 'ALLOC that cannot write its result returns the number of bytes that are missing, and keeps the PASID.',
  handler: 'VFIO_IOMMU_PASID_REQUEST',
  kind: 'wrong_errno',
  needs: { nesting_series: ['repaired'] },
  change: () => ({
    *tellRepaired(_, process, argument, pasid) {
      return yield* writeResult(process, argument, pasid);
    },
  }),
};
