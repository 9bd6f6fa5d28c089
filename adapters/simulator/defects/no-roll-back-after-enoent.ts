import type { SimulatorDefect } from './defect.ts';

/** The error path leaves out the errno that says that there is nothing. */
export const noRollBackAfterEnoent: SimulatorDefect = {
  name: 'no_roll_back_after_enoent',
  sentence: 'A BIND that a device refuses with ENOENT is not undone on the others.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'roll_back',
  needs: { nesting_series: ['as_posted'] },
  change: ({ undoPostedBind }) => ({
    *undoPostedBind(backend, source, errno) {
      if (errno !== 'ENOENT') yield* undoPostedBind(backend, source, errno);
    },
  }),
};
