import type { Process } from '../files/file-table.ts';
import type { IommuDomain } from '../iommu/iommu-domain.ts';
import type { SimulatorDefect } from './defect.ts';

/** vfio_iommu_replay is not called for a domain that is not the first. */
export const newIommuLacksOlderMappings: SimulatorDefect = {
  name: 'new_iommu_lacks_older_mappings',
  sentence: 'A group behind another IOMMU that joins a container does not get the mappings that were made before.',
  handler: 'VFIO_GROUP_SET_CONTAINER',
  kind: 'fan_out',
  change: ({ Type1 }) => ({
    Type1: class extends Type1 {
      protected override *replay(domain: IommuDomain, process: Process) {
        return this.domains.length > 0 ? undefined : yield* super.replay(domain, process);
      }
    },
  }),
};
