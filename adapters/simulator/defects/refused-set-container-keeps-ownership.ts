import type { SimulatorDefect } from './defect.ts';

/** The error path of vfio_group_set_container does not give up what iommu_group_claim_dma_owner took. */
export const refusedSetContainerKeepsOwnership: SimulatorDefect = {
  name: 'refused_set_container_keeps_ownership',
  sentence:
    'A SET_CONTAINER that the backend refuses leaves the group owned by user space, so that it can join no other container.',
  handler: 'VFIO_GROUP_SET_CONTAINER',
  kind: 'roll_back',
  change: ({ Container }) => ({
    Container: class extends Container {
      override *attachGroup(...[group, process]: Parameters<InstanceType<typeof Container>['attachGroup']>) {
        const errno = yield* super.attachGroup(group, process);
        if (errno !== undefined) group.claimDmaOwner();
        return errno;
      }
    },
  }),
};
