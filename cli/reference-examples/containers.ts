import {
  access,
  dmaIn,
  dmaOut,
  getDirtyBitmap,
  getInfo,
  getStatus,
  ioctlNone,
  ioctlStruct,
  ioctlValue,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  pattern,
  setContainer,
  setIommu,
  startDirtyTracking,
  unmap,
} from '../../conformance/programs/build.ts';
import { ready, readyForDma } from '../../conformance/suites/scenarios/scenario.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { type ExampleProgram, notWritable, requestCutOff } from './example-program.ts';

const { VFIO_TYPE1v2_IOMMU: type1v2, VFIO_EEH: eeh } = uapi.values.extension as Record<string, number>;
const ram: Op[] = [memory('ram', 4), pattern('ram', 0, 16, 3)];
const mapped: Op[] = [...readyForDma(), ...ram, map('c', 0x10000, 'ram', 0, 2)];
const unmapMapped = unmap('c', 0x10000, 2);

/** Containers and groups of Linux. */
export const containerExamples: Omit<ExampleProgram, 'profile'>[] = [
  {
    of: 'VFIO_GET_API_VERSION',
    about: 'The argument is not looked at.',
    setUp: [openContainer('c')],
    ops: [ioctlNone('c', 'VFIO_GET_API_VERSION')],
  },
  {
    of: 'VFIO_CHECK_EXTENSION',
    about: 'Something that is there, and something that is not; neither is an error.',
    setUp: [openContainer('c')],
    ops: [ioctlValue('c', 'VFIO_CHECK_EXTENSION', type1v2!), ioctlValue('c', 'VFIO_CHECK_EXTENSION', eeh!)],
  },
  {
    of: 'VFIO_SET_IOMMU',
    about: 'A container needs a group first, and takes one backend.',
    setUp: [openContainer('c'), openGroup('g', 'g')],
    ops: [
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      setContainer('g', 'c'),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      setIommu('c', 'VFIO_TYPE1_IOMMU'),
    ],
  },
  {
    of: 'VFIO_IOMMU_GET_INFO',
    about: 'With an argsz of 20 no capability fits, and the size that all need comes back; with 256 they are written.',
    setUp: [...ready(), memory('out', 1)],
    ops: [getInfo('c', 'out', 20), getInfo('c', 'out', 256)],
  },
  {
    of: 'VFIO_IOMMU_MAP_DMA',
    about: 'A device reads what is mapped; a second mapping may not overlap the first, even if it is the same.',
    setUp: [...readyForDma(), ...ram],
    ops: [map('c', 0x10000, 'ram', 0, 2), dmaIn('d', 0x10000, 16), map('c', 0x10000, 'ram', 0, 2)],
  },
  {
    of: 'VFIO_IOMMU_MAP_DMA',
    about: 'Devices are to write to four pages, and the process itself cannot write to the last: nothing is mapped.',
    setUp: [...readyForDma(), ...ram, { op: 'protect', memory: 'ram', at: 0x3000, length: 0x1000, protection: 'read' }],
    ops: [map('c', 0x10000, 'ram', 0, 4), dmaIn('d', 0x10000, 16), map('c', 0x10000, 'ram', 0x3000, 1, access.read)],
  },
  {
    of: 'VFIO_IOMMU_UNMAP_DMA',
    about: 'The size says afterwards how much was removed; the device then reads zeros, and what it writes is dropped.',
    setUp: mapped,
    ops: [unmap('c', 0x8000, 16), dmaIn('d', 0x10000, 16), dmaOut('d', 0x10000, 16)],
  },
  {
    of: 'VFIO_IOMMU_UNMAP_DMA',
    about: 'The argument can be read and not written: EFAULT, and the mapping is gone. The same again removes nothing.',
    setUp: mapped,
    ops: [...notWritable(unmapMapped), dmaIn('d', 0x10000, 16), unmapMapped],
  },
  {
    of: 'VFIO_IOMMU_UNMAP_DMA',
    about: 'Byte 23, the last one, cannot be read: EFAULT, and the mapping stays.',
    setUp: mapped,
    ops: [requestCutOff(unmapMapped, 23), unmapMapped],
  },
  {
    of: 'VFIO_IOMMU_DIRTY_PAGES',
    about: 'A bitmap can be had only while tracking is on; every page that a device may write is dirty then.',
    setUp: [
      ...ready(),
      ...ram,
      memory('bits', 1),
      { op: 'poke', memory: 'bits', at: 0, bytes: '00'.repeat(8) },
      map('c', 0x10000, 'ram', 0, 4),
    ],
    ops: [
      getDirtyBitmap('c', 0x10000, 4, { ref: 'bits' }),
      startDirtyTracking('c'),
      getDirtyBitmap('c', 0x10000, 4, { ref: 'bits' }),
    ],
  },
  {
    of: 'VFIO_GROUP_GET_STATUS',
    about: 'The flags report whether the group is viable and whether it is in a container.',
    setUp: [openContainer('c'), openGroup('g', 'g')],
    ops: [
      getStatus('g'),
      setContainer('g', 'c'),
      getStatus('g'),
      ioctlStruct('g', 'VFIO_GROUP_GET_STATUS', { argsz: 7 }),
    ],
  },
  {
    of: 'VFIO_GROUP_SET_CONTAINER',
    about: 'A group is in one container at most, and a descriptor of something else is no container.',
    setUp: [openContainer('c'), openGroup('g', 'g')],
    ops: [setContainer('g', 'g'), setContainer('g', 'c'), setContainer('g', 'c')],
  },
  {
    of: 'VFIO_GROUP_UNSET_CONTAINER',
    about: 'A group whose device is open cannot leave; afterwards it can, and only once.',
    setUp: [...ready(), openDevice('g', 'g', 'd')],
    ops: [
      ioctlNone('g', 'VFIO_GROUP_UNSET_CONTAINER'),
      { op: 'close', fd: 'd' },
      ioctlNone('g', 'VFIO_GROUP_UNSET_CONTAINER'),
      ioctlNone('g', 'VFIO_GROUP_UNSET_CONTAINER'),
    ],
  },
  {
    of: 'VFIO_GROUP_GET_DEVICE_FD',
    about:
      'A name that no device of the group has. Programs get a device by the op `open device`, which knows its name.',
    setUp: ready(),
    ops: [
      {
        op: 'ioctl',
        fd: 'g',
        number: uapi.ioctls.VFIO_GROUP_GET_DEVICE_FD!.number,
        argument: { memory: 'arg', at: 0, bytes: Buffer.from('no device\0').toString('hex') },
      },
      openDevice('g', 'g', 'd'),
    ],
  },
];
