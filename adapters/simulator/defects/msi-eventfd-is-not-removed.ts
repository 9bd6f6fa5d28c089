import type { Process } from '../files/file-table.ts';
import type { SimulatorDefect } from './defect.ts';

/** A negative descriptor is taken for nothing to do. */
export const msiEventfdIsNotRemoved: SimulatorDefect = {
  name: 'msi_eventfd_is_not_removed',
  sentence: 'SET_IRQS with -1 for the message of a device leaves the event that was set before.',
  handler: 'VFIO_DEVICE_SET_IRQS',
  kind: 'lifetime',
  change: ({ DeviceInterrupts }) => ({
    DeviceInterrupts: class extends DeviceInterrupts {
      protected override *setMessageTrigger(process: Process, fd: number) {
        return fd < 0 ? undefined : yield* super.setMessageTrigger(process, fd);
      }
    },
  }),
};
