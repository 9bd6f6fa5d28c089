import { busMaster, dmaIn, dmaOut, ioctlValue, map, memory, openDevice, pattern } from '../../programs/build.ts';
import { readConfig, writeConfig } from '../../programs/device-ops.ts';
import { resettable } from '../suite.ts';
import { ready, type Scenario } from './scenario.ts';

const SOURCE = 0x10000;
const reset = ioctlValue('d', 'VFIO_DEVICE_RESET', 0);

/** What a reset leaves as it is. */
export const deviceResetScenarios: Scenario[] = [
  {
    id: 'device_reset_keeps_bus_mastering',
    about: 'A device that was reset goes on transferring: config space, bus mastering included, is saved and restored.',
    slots: { g: resettable },
    ops: [
      ...ready(),
      openDevice('g', 'g', 'd'),
      memory('out', 1),
      memory('ram', 1),
      pattern('ram', 0, 32, 3),
      map('c', SOURCE, 'ram', 0, 1),
      ...busMaster('d'),
      reset,
      readConfig('d', 4, 2),
      dmaIn('d', SOURCE, 16),
      dmaOut('d', SOURCE + 64, 16),
    ],
  },
  {
    id: 'device_reset_keeps_config',
    about: 'A reset keeps what a user wrote to config space, be it the device that has it or the driver.',
    slots: { g: resettable },
    ops: [
      ...ready(),
      openDevice('g', 'g', 'd'),
      memory('out', 1),
      ...writeConfig('d', 4, '0001'),
      ...writeConfig('d', 0xc, '40'),
      ...writeConfig('d', 0x10, 'ffffffff'),
      ...writeConfig('d', 0x3c, 'a5'),
      ...writeConfig('d', 0x44, '0010e0fe'),
      reset,
      readConfig('d', 0, 80),
    ],
  },
];
