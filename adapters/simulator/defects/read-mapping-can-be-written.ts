import { Direction } from '../mm/direction.ts';
import type { Page } from '../mm/physical-memory.ts';
import type { SimulatorDefect } from './defect.ts';

/** IOMMU_WRITE is part of the protection whatever the flags say. */
export const readMappingCanBeWritten: SimulatorDefect = {
  name: 'read_mapping_can_be_written',
  sentence: 'A device can write to memory that was mapped with READ alone.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'missing_check',
  change: ({ IommuDomain }) => ({
    IommuDomain: class extends IommuDomain {
      override map(iovaPage: number, page: Page, allowed: number): void {
        super.map(iovaPage, page, allowed | Direction.WRITE);
      }
    },
  }),
};
