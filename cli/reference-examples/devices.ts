import {
  close,
  dmaIn,
  dmaOut,
  ioctlNone,
  ioctlStruct,
  map,
  memory,
  openDevice,
  pattern,
} from '../../conformance/programs/build.ts';
import {
  interrupt,
  openEvent,
  raiseInterrupt,
  readConfig,
  readEvent,
  setIrqs,
  writeConfig,
} from '../../conformance/programs/device-ops.ts';
import { ready, readyForDma } from '../../conformance/suites/scenarios/scenario.ts';
import { resettable, single } from '../../conformance/suites/suite.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import type { ExampleProgram } from './example-program.ts';

const device: Op[] = [...ready(), openDevice('g', 'g', 'd')];
const { VFIO_DEVICE_FEATURE_PROBE: probe } = uapi.flags.device_feature_flags as Record<string, number>;
const { VFIO_DEVICE_FEATURE_MIGRATION: migration } = uapi.values.device_feature as Record<string, number>;
const { regionCount, interruptCount, configRegion, commandRegister } = uapi.device;
const ask = (name: string, values: Record<string, number>): Op => ioctlStruct('d', name, values);

/** Devices of Linux, and descriptors of any kind. */
export const deviceExamples: Omit<ExampleProgram, 'profile'>[] = [
  {
    of: 'VFIO_DEVICE_GET_INFO',
    about: 'What is beyond an argsz of 16 is not written; less than 16 is refused.',
    setUp: device,
    ops: [ask('VFIO_DEVICE_GET_INFO', { argsz: 16 }), ask('VFIO_DEVICE_GET_INFO', { argsz: 15 })],
  },
  {
    of: 'VFIO_DEVICE_GET_REGION_INFO',
    about: 'The config space, and an index that there is not.',
    setUp: device,
    ops: [
      ask('VFIO_DEVICE_GET_REGION_INFO', { argsz: 32, index: configRegion }),
      ask('VFIO_DEVICE_GET_REGION_INFO', { argsz: 32, index: regionCount }),
    ],
  },
  {
    of: 'VFIO_DEVICE_GET_IRQ_INFO',
    about: 'The interrupt by message, and an index that there is not.',
    setUp: device,
    ops: [
      ask('VFIO_DEVICE_GET_IRQ_INFO', { argsz: 16, index: interrupt.msi }),
      ask('VFIO_DEVICE_GET_IRQ_INFO', { argsz: 16, index: interruptCount }),
    ],
  },
  {
    of: 'VFIO_DEVICE_SET_IRQS',
    about: 'An interrupt of the device is counted by an event; a second vector of a device that has one is refused.',
    setUp: [...readyForDma(), openEvent('event')],
    ops: [
      setIrqs('d', { index: interrupt.msi, action: 'trigger', event: 'event' }),
      ...raiseInterrupt('d'),
      readEvent('event'),
      setIrqs('d', { index: interrupt.msi, action: 'trigger', count: 2 }),
    ],
  },
  {
    of: 'VFIO_DEVICE_RESET',
    about: 'A device that can be reset on its own, and one that cannot.',
    slots: { g: resettable, h: single },
    setUp: [
      ...device,
      { op: 'open', what: 'group', slot: 'h', as: 'h' },
      ioctlStruct('h', 'VFIO_GROUP_SET_CONTAINER', { container: { ref: 'c' } }),
      openDevice('h', 'h', 'e'),
    ],
    ops: [ioctlNone('d', 'VFIO_DEVICE_RESET'), ioctlNone('e', 'VFIO_DEVICE_RESET')],
  },
  {
    of: 'VFIO_DEVICE_FEATURE',
    about: 'A device without migration says so; the argument is looked at before.',
    setUp: device,
    ops: [
      ask('VFIO_DEVICE_FEATURE', { argsz: 8, flags: probe! | migration! }),
      ask('VFIO_DEVICE_FEATURE', { argsz: 7, flags: probe! | migration! }),
    ],
  },
  {
    of: 'VFIO_DEVICE_BIND_IOMMUFD',
    about: 'Where devices have no nodes of their own the number is not known.',
    setUp: device,
    ops: [ask('VFIO_DEVICE_BIND_IOMMUFD', { argsz: 16 })],
  },
  {
    of: 'FIOCLEX',
    about: 'It sets the close-on-exec flag of any descriptor.',
    setUp: ready(),
    ops: [ioctlNone('c', 'FIOCLEX'), { op: 'close_on_exec', fd: 'c' }],
  },
  {
    of: 'FIONCLEX',
    about: 'It clears the close-on-exec flag, which devices have from the start.',
    setUp: device,
    ops: [{ op: 'close_on_exec', fd: 'd' }, ioctlNone('d', 'FIONCLEX'), { op: 'close_on_exec', fd: 'd' }],
  },
  {
    of: 'FIONBIO',
    about: 'The switch is read, whatever becomes of it.',
    setUp: ready(),
    ops: [
      ioctlStruct('c', 'FIONBIO', { on: 1 }),
      { op: 'ioctl', fd: 'c', number: uapi.ioctls.FIONBIO!.number, argument: { value: 0 } },
    ],
  },
  {
    of: 'pread',
    about: 'The first bytes of the config space; nothing lies behind its end.',
    setUp: [...device, memory('out', 1)],
    ops: [readConfig('d', 0, 4), readConfig('d', 256, 4)],
  },
  {
    of: 'pwrite',
    about: 'The command register keeps what is written; the register before it, the identity, does not.',
    setUp: [...device, memory('out', 1)],
    ops: [
      ...writeConfig('d', commandRegister, '0600'),
      readConfig('d', commandRegister, 2),
      ...writeConfig('d', 0, '0000'),
      readConfig('d', 0, 2, 8),
    ],
  },
  {
    of: 'dma',
    about:
      'A transfer over the end of a mapping: what is not mapped reads as zeros, and what is written there is lost.',
    setUp: [...readyForDma(), memory('ram', 1), pattern('ram', 4088, 8, 3), map('c', 0x10000, 'ram', 0, 1)],
    ops: [dmaIn('d', 0x10ff8, 16), dmaOut('d', 0x10ff0, 32)],
  },
  {
    of: 'close',
    about: 'A mapping ends with the last descriptor that holds the container: here that of the device.',
    setUp: [...readyForDma(), memory('ram', 1), map('c', 0x10000, 'ram', 0, 1)],
    ops: [close('c'), close('g'), dmaIn('d', 0x10000, 16), close('d'), close('d')],
  },
];
