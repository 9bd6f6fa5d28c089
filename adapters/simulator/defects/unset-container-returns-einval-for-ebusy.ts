import type { SimulatorDefect } from './defect.ts';

/** The errno of a group without container is given for one in use, too. */
export const unsetContainerReturnsEinvalForEbusy: SimulatorDefect = {
  name: 'unset_container_returns_einval_for_ebusy',
  sentence: 'UNSET_CONTAINER of a group with an open device fails with EINVAL in place of EBUSY.',
  handler: 'VFIO_GROUP_UNSET_CONTAINER',
  kind: 'wrong_errno',
  change: ({ VfioGroup }) => ({
    VfioGroup: class extends VfioGroup {
      protected override *unsetContainer() {
        const result = yield* super.unsetContainer();
        return result === 'EBUSY' ? 'EINVAL' : result;
      }
    },
  }),
};
