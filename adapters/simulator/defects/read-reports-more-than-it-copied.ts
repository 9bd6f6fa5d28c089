import type { Process } from '../files/file-table.ts';
import type { SimulatorDefect } from './defect.ts';

/** What was asked for is returned in place of what is left of the region. */
export const readReportsMoreThanItCopied: SimulatorDefect = {
  name: 'read_reports_more_than_it_copied',
  sentence:
    'A read of registers that goes beyond the end of the region returns the length that was asked for, not what was copied.',
  handler: 'pread',
  kind: 'accounting',
  change: ({ DeviceFile }) => ({
    DeviceFile: class extends DeviceFile {
      override *read(process: Process, offset: number, address: number, length: number) {
        const result = yield* super.read(process, offset, address, length);
        return typeof result === 'number' ? length : result;
      }
    },
  }),
};
