import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  close,
  ioctlNone,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
  unmapAll,
} from '../../programs/build.ts';
import { ready, type Scenario } from './scenario.ts';

const closeOnExec = (fd: string): Op => ({ op: 'close_on_exec', fd });
const read = (fd: string): Op => ({ op: 'pread', fd, offset: 0, memory: 'arg', at: 0, length: 8 });
const write = (fd: string): Op => ({ op: 'pwrite', fd, offset: 0, memory: 'arg', at: 0, length: 8 });
const seek = (fd: string): Op => ({ op: 'seek', fd, offset: 0 });
const mmap = (fd: string): Op => ({ op: 'mmap', as: `${fd}_memory`, length: 4096, backing: 'fd', fd });
/** FIONBIO with a switch that can, or cannot, be read. */
const nonBlocking = (fd: string, at: number): Op => ({
  op: 'ioctl',
  fd,
  number: 0x5421,
  argument: at < 4096 ? { memory: 'arg', at, bytes: '01000000' } : { memory: 'arg', at },
});

/** What is the same for containers, groups and devices: they are files. */
export const descriptorScenarios: Scenario[] = [
  {
    id: 'modes_of_nodes',
    about: 'What a node was opened for decides about reading, writing and mapping, before its kind does.',
    ops: (['read', 'write', 'path'] as const).flatMap((access): Op[] => [
      { op: 'open', what: 'container', access, as: `c_${access}` },
      { op: 'open', what: 'group', slot: 'g', access, as: `g_${access}` },
      ...[read, write, seek, mmap].flatMap((op) => [op(`c_${access}`), op(`g_${access}`)]),
      { op: 'mmap', as: `${access}_readable`, length: 4096, protection: 'read', backing: 'fd', fd: `c_${access}` },
      close(`g_${access}`),
    ]),
  },
  {
    id: 'containers_are_no_ordinary_files',
    about: 'A container cannot be read, written, mapped or sought, with and without a backend.',
    ops: [
      openContainer('c'),
      ...[read, write, seek, mmap].map((op) => op('c')),
      openGroup('g', 'g'),
      setContainer('g', 'c'),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      ...[read, write, seek].map((op) => op('c')),
    ],
  },
  {
    id: 'groups_are_no_ordinary_files',
    about: 'A group cannot be read, written, mapped or sought.',
    ops: [openGroup('g', 'g'), ...[read, write, seek, mmap].map((op) => op('g'))],
  },
  {
    id: 'ioctls_that_no_driver_sees',
    about: 'The non-blocking and the close-on-exec flag are set above the driver, in every state.',
    ops: [
      openContainer('c'),
      nonBlocking('c', 0),
      nonBlocking('c', 4096),
      ...ready().slice(1),
      openDevice('g', 'g', 'd'),
      ...['c', 'g', 'd'].flatMap((fd) => [
        nonBlocking(fd, 0),
        nonBlocking(fd, 4096),
        closeOnExec(fd),
        ioctlNone(fd, 'FIOCLEX'),
        closeOnExec(fd),
        ioctlNone(fd, 'FIONCLEX'),
        closeOnExec(fd),
      ]),
      close('d'),
      closeOnExec('d'),
    ],
  },
  {
    id: 'foreign_descriptors_are_no_containers',
    about:
      'A pipe, an event counter and a device node are no containers; their numbers are looked at before the group is.',
    ops: [
      openGroup('g', 'g'),
      { op: 'open', what: 'pipe', as: 'pipe' },
      { op: 'open', what: 'event', as: 'event' },
      setContainer('g', 'pipe'),
      setContainer('g', 'event'),
      openContainer('c'),
      setContainer('g', 'c'),
      setContainer('g', 'pipe'),
    ],
  },
  {
    id: 'no_descriptor_left',
    about: 'Without a free descriptor nothing opens, and nothing has changed when there is one again.',
    ops: [
      ...ready(),
      { op: 'fork', as: 'child' },
      { op: 'rlimit', resource: 'nofile', value: 0, actor: 'child' },
      { ...openContainer('k'), actor: 'child' },
      { op: 'open', what: 'group', slot: 'g', as: 'again', actor: 'child' },
      { ...openDevice('g', 'g', 'd'), actor: 'child' },
      openDevice('g', 'g', 'd'),
    ],
  },
  {
    id: 'unprivileged_process',
    about:
      'A process without any capability that was given the descriptors can do everything, within its locked memory.',
    ops: [
      openGroup('g', 'g'),
      { op: 'drop_capability', capability: 'all' },
      { op: 'rlimit', resource: 'memlock', value: 0x1000 },
      openContainer('c'),
      setContainer('g', 'c'),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      openDevice('g', 'g', 'd'),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 2),
      map('c', 0x10000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
];
