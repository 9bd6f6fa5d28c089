import type { SimulatorDefect } from './defect.ts';

/** The loop that undoes stops before its last turn. */
export const noRollBackOfFirstDevice: SimulatorDefect = {
  name: 'no_roll_back_of_first_device',
  sentence: 'A BIND that fails is undone on all devices that were bound but the first.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'roll_back',
  needs: { nesting_series: ['repaired'], singleton_scope: ['none'] },
  change: ({ undoRepairedBind }) => ({
    undoRepairedBind: (backend, pasid, done) => undoRepairedBind(backend, pasid, done.slice(1)),
  }),
};
