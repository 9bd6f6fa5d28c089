import { HEADER_BYTES } from '../devices/pci-config-space.ts';
import type { Enabled } from '../vfio/vfio-device.ts';
import type { SimulatorDefect } from './defect.ts';

/** vfio_pci_disable does not restore the state that vfio_pci_enable saved. */
export const closeLeavesConfigHeader: SimulatorDefect = {
  name: 'close_leaves_config_header',
  sentence: 'The last close of a device leaves what user space wrote to the header of configuration space.',
  handler: 'close',
  kind: 'lifetime',
  change: ({ VfioDevice }) => ({
    VfioDevice: class extends VfioDevice {
      protected override disable(state: Enabled): void {
        const { config } = state.edu;
        const header = Array.from({ length: HEADER_BYTES }, (_, at) => config.load(at));
        super.disable(state);
        header.forEach((byte, at) => {
          config.store(at, byte);
        });
      }
    },
  }),
};
