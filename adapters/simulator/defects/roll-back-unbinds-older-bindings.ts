import type { SimulatorDefect } from './defect.ts';

/** What a failed BIND undoes is not what it did, but whatever has the number (finding B1). */
export const rollBackUnbindsOlderBindings: SimulatorDefect = {
  name: 'roll_back_unbinds_older_bindings',
  sentence: 'A BIND that is refused because its PASID is bound already unbinds it.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'roll_back',
  needs: { nesting_series: ['repaired'] },
  change: ({ repairedBindLocked, repairedUnbind }) => ({
    *repairedBindLocked(backend, process, data) {
      const errno = yield* repairedBindLocked(backend, process, data);
      if (errno === 'EBUSY') repairedUnbind(backend, data);
      return errno;
    },
  }),
};
