import type { SimulatorDefect } from './defect.ts';

/** One reference to the file of the group is taken at the first open of a device, and not put at its last close. */
export const closedDeviceKeepsGroupFile: SimulatorDefect = {
  name: 'closed_device_keeps_group_file',
  sentence:
    'The last close of a device does not give back its reference to the file of the group, which so stays open for ever.',
  handler: 'close',
  kind: 'lifetime',
  change: ({ VfioGroup }) => ({
    VfioGroup: class extends VfioGroup {
      override unuseContainer() {
        const file = super.unuseContainer();
        file.references++;
        return file;
      }
    },
  }),
};
