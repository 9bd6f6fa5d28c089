import type { SimulatorDefect } from './defect.ts';

/** Nobody unbinds when a group leaves its container (finding U4). */
export const leavingGroupKeepsBindings: SimulatorDefect = {
  name: 'leaving_group_keeps_bindings',
  sentence: 'A group that leaves its container stays recorded as bound, so that its PASID cannot be bound on it again.',
  handler: 'VFIO_GROUP_UNSET_CONTAINER',
  kind: 'lifetime',
  needs: { nesting_series: ['repaired'] },
  change: () => ({ dropBindings() {} }),
};
