import type { Page } from '../mm/physical-memory.ts';
import type { UserMapping } from '../mm/user-mapping.ts';
import type { SimulatorDefect } from './defect.ts';

/** pin_user_pages for reading does not break what is shared copy-on-write, as before FAULT_FLAG_UNSHARE. */
export const readPinDoesNotUnshare: SimulatorDefect = {
  name: 'read_pin_does_not_unshare',
  sentence:
    'READ mapping of a page that is shared since a fork pins the shared page, so that a device does not see later stores.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'copy',
  change: ({ AddressSpace }) => ({
    AddressSpace: class extends AddressSpace {
      protected override pageToPin(mapping: UserMapping, index: number, forWriting: boolean): Page {
        const held = mapping.pages[index];
        return held && !forWriting ? held : super.pageToPin(mapping, index, forWriting);
      }
    },
  }),
};
