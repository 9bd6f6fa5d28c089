import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  argumentAt,
  close,
  getInfo,
  getStatus,
  ioctlNone,
  ioctlValue,
  layOut,
  map,
  memory,
  number,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
  unmap,
  unmapAll,
} from '../../programs/build.ts';
import { multi, notViable, single } from '../suite.ts';
import { ready, type Scenario } from './scenario.ts';

const info = memory('info', 1);
const unsafe = { module: 'vfio_iommu_type1', parameter: 'allow_unsafe_interrupts' };
const extensions = Object.values(uapi.values.extension!);
const every = (): Op[] => extensions.map((value) => ioctlValue('c', 'VFIO_CHECK_EXTENSION', value));
const unset = (group: string) => ioctlNone(group, 'VFIO_GROUP_UNSET_CONTAINER');

/** What containers and groups report about themselves in the course of their lives. */
export const informationScenarios: Scenario[] = [
  {
    id: 'unsafe_interrupts_may_be_allowed',
    about:
      'Where interrupts are not isolated, a parameter of the module, read at each attach, lets groups in all the same.',
    machine: { interruptRemapping: false },
    slots: { g: single, h: single },
    changes: [unsafe],
    ops: [
      openContainer('c'),
      openGroup('g', 'g'),
      openGroup('h', 'h'),
      setContainer('g', 'c'),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      { op: 'set_parameter', ...unsafe, value: '1' },
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      { op: 'set_parameter', ...unsafe, value: '0' },
      setContainer('h', 'c'),
      getStatus('h'),
      { op: 'set_parameter', ...unsafe, value: '1' },
      setContainer('h', 'c'),
      getStatus('h'),
    ],
  },
  {
    id: 'extensions_follow_the_state',
    about: 'Extensions that need a backend come with it and go with the last group.',
    ops: [...ready(), ...every(), close('g'), ...every()],
  },
  {
    id: 'available_mappings_are_reported',
    about: 'GET_INFO reports how many mappings may still be made.',
    changes: [{ module: 'vfio_iommu_type1', parameter: 'dma_entry_limit' }],
    ops: [
      { op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'dma_entry_limit', value: '3' },
      ...ready(),
      memory('ram', 4),
      info,
      getInfo('c', 'info', 256),
      map('c', 0x10000, 'ram', 0, 2),
      map('c', 0x20000, 'ram', 0, 2),
      getInfo('c', 'info', 256),
      unmap('c', 0x10000, 2),
      getInfo('c', 'info', 256),
      unmapAll('c'),
      getInfo('c', 'info', 256),
    ],
  },
  {
    id: 'needed_argsz_is_reported',
    about: 'An argsz that is too small for the capabilities comes back as what it takes, and that suffices.',
    ops: [
      ...ready('VFIO_TYPE1_IOMMU'),
      info,
      getInfo('c', 'info', 16),
      getInfo('c', 'info', 24),
      getInfo('c', 'info', 120),
    ],
  },
  {
    id: 'status_through_a_life',
    about:
      'A group is viable; in a container it is viable and attached, whatever is closed; afterwards only viable again.',
    ops: [
      openContainer('c'),
      openGroup('g', 'g'),
      getStatus('g'),
      setContainer('g', 'c'),
      getStatus('g'),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      openDevice('g', 'g', 'd'),
      getStatus('g'),
      close('c'),
      getStatus('g'),
      unset('g'),
      close('d'),
      unset('g'),
      getStatus('g'),
      unset('g'),
    ],
  },
  {
    id: 'status_follows_the_host_driver',
    about:
      'A group is not viable while a sibling is bound to a host driver; a sibling without a driver does not matter.',
    slots: { g: notViable },
    changes: [{ slot: 'g' }],
    ops: [
      openGroup('g', 'g'),
      getStatus('g'),
      { op: 'unbind_driver', slot: 'g', device: 'bound_to_host_driver' },
      getStatus('g'),
      { op: 'bind_driver', slot: 'g', device: 'bound_to_host_driver', driver: 'host' },
      getStatus('g'),
    ],
  },
  {
    id: 'status_with_only_argsz_writable',
    about: 'A status that can be written only in part is EFAULT.',
    ops: [
      openGroup('g', 'g'),
      memory('out', 2),
      { op: 'poke', memory: 'out', at: 4092, bytes: '08000000ffffffff' },
      { op: 'protect', memory: 'out', at: 4096, length: 4096, protection: 'read' },
      { op: 'ioctl', fd: 'g', number: number('VFIO_GROUP_GET_STATUS'), argument: { memory: 'out', at: 4092 } },
    ],
  },
  {
    id: 'unset_leaves_other_groups',
    about:
      'UNSET of one of two groups leaves backend and mappings to the other; open devices of the other do not matter.',
    slots: { g: single, m: multi },
    ops: [
      ...ready(),
      openGroup('m', 'm'),
      setContainer('m', 'c'),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      openDevice('g', 'g', 'd'),
      unset('m'),
      unset('g'),
      unmapAll('c'),
      close('d'),
      unset('g'),
      unmapAll('c'),
      setContainer('m', 'c'),
      setIommu('c', 'VFIO_TYPE1_IOMMU'),
      unmapAll('c'),
    ],
  },
  {
    id: 'unset_gives_the_group_back',
    about: 'After UNSET a sibling can be bound to a host driver again.',
    slots: { g: notViable },
    changes: [{ slot: 'g' }],
    ops: [
      { op: 'unbind_driver', slot: 'g', device: 'bound_to_host_driver' },
      ...ready(),
      { op: 'bind_driver', slot: 'g', device: 'bound_to_host_driver', driver: 'host' },
      unset('g'),
      { op: 'bind_driver', slot: 'g', device: 'bound_to_host_driver', driver: 'host' },
      setContainer('g', 'c'),
    ],
  },
  {
    id: 'container_closed_in_c1_is_out_of_reach',
    about: 'A container closed before it has a backend cannot be reached any more, but the group can leave it.',
    ops: [
      openContainer('c'),
      openGroup('g', 'g'),
      setContainer('g', 'c'),
      close('c'),
      getStatus('g'),
      openDevice('g', 'g', 'd'),
      unset('g'),
      getStatus('g'),
      openContainer('c'),
      setContainer('g', 'c'),
    ],
  },
  {
    id: 'argument_of_only_the_read_bytes',
    about: 'A large argsz makes nobody read more than the fixed part of an argument.',
    ops: [
      ...ready(),
      memory('ram', 1),
      {
        op: 'ioctl',
        fd: 'c',
        number: number('VFIO_IOMMU_MAP_DMA'),
        argument: argumentAt(
          'arg',
          4096 - 32,
          layOut('vfio_iommu_type1_dma_map', {
            argsz: 0xffffffff,
            flags: 3,
            vaddr: { ref: 'ram' },
            iova: 0,
            size: 4096,
          }),
        ),
      },
      unmapAll('c'),
    ],
  },
];
