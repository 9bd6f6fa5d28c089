import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  access,
  busMaster,
  close,
  dmaIn,
  dmaOut,
  getStatus,
  invalidateVaddr,
  layOut,
  map,
  memory,
  number,
  openContainer,
  openDevice,
  openGroup,
  pattern,
  setContainer,
  setIommu,
  unmapAll,
  updateVaddr,
  type Value,
} from '../../programs/build.ts';
import { notViable, single } from '../suite.ts';
import { ready, type Scenario } from './scenario.ts';

const memlock = (pages: number): Op => ({ op: 'rlimit', resource: 'memlock', value: pages * 0x1000 });
const { VFIO_DMA_UNMAP_FLAG_VADDR: UNMAP_VADDR } = uapi.flags.dma_unmap_flags as Record<string, number>;
const { VFIO_IOMMU_DIRTY_PAGES_FLAG_START: START, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP: STOP } = uapi.flags
  .dirty_pages_flags as Record<string, number>;

/** A request whose argument stands in memory that the process may only read. */
function fromReadOnly(fd: string, name: string, values: Record<string, Value>): Op[] {
  const block = layOut(uapi.ioctls[name]!.struct!, values);
  const protect = (protection: 'read' | 'read-write'): Op => ({
    op: 'protect',
    memory: 'arg',
    at: 0,
    length: 0x1000,
    protection,
  });
  return [
    { op: 'poke', memory: 'arg', at: 0, ...block },
    protect('read'),
    { op: 'ioctl', fd, number: number(name), argument: { memory: 'arg', at: 0 } },
    protect('read-write'),
  ];
}

/** Facts that are about what did not happen, or about two checks at once. */
export const factScenarios: Scenario[] = [
  {
    id: 'ioctls_that_write_nothing_back',
    about: 'What only takes an argument takes it from memory that cannot be written.',
    ops: [
      openContainer('c'),
      openGroup('g', 'g'),
      ...fromReadOnly('g', 'VFIO_GROUP_SET_CONTAINER', { container: { ref: 'c' } }),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      memory('ram', 1),
      ...fromReadOnly('c', 'VFIO_IOMMU_MAP_DMA', {
        argsz: 32,
        flags: access.both,
        vaddr: { ref: 'ram' },
        iova: 0x10000,
        size: 0x1000,
      }),
      ...fromReadOnly('c', 'VFIO_IOMMU_DIRTY_PAGES', { argsz: 8, flags: START! }),
      ...fromReadOnly('c', 'VFIO_IOMMU_DIRTY_PAGES', { argsz: 8, flags: STOP! }),
      unmapAll('c'),
    ],
  },
  {
    id: 'invalidation_that_cannot_be_reported',
    about: 'A VADDR UNMAP whose result cannot be written has marked its mappings.',
    ops: [
      ...ready(),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      ...fromReadOnly('c', 'VFIO_IOMMU_UNMAP_DMA', { argsz: 24, flags: UNMAP_VADDR!, iova: 0x10000, size: 0x1000 }),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'v1_invalidation_takes_the_path_of_removal',
    about:
      'On a v1 container VADDR marks nothing from inside a mapping, marked or not, and the whole of one whose first byte it covers.',
    ops: [
      ...ready('VFIO_TYPE1_IOMMU'),
      memory('ram', 3),
      map('c', 0x10000, 'ram', 0, 2),
      map('c', 0x12000, 'ram', 0x2000, 1),
      invalidateVaddr('c', 0x11000, 4),
      updateVaddr('c', 0x12000, 'ram', 0x2000, 1),
      invalidateVaddr('c', 0x10000, 1),
      invalidateVaddr('c', 0x11000, 4),
      updateVaddr('c', 0x12000, 'ram', 0x2000, 1),
      updateVaddr('c', 0x10000, 'ram', 0, 2),
      unmapAll('c'),
    ],
  },
  {
    id: 'refused_group_is_given_back',
    about: 'A group that a container with a backend refuses is as viable as before.',
    slots: { g: single, h: single },
    ops: [
      ...ready(),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      invalidateVaddr('c', 0x10000, 1),
      openGroup('h', 'h'),
      setContainer('h', 'c'),
      getStatus('h'),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      setContainer('h', 'c'),
      getStatus('h'),
    ],
  },
  {
    id: 'viability_comes_before_the_backend',
    about: 'A group that is not viable is refused for that, whatever the backend would say, which stays as it was.',
    slots: { g: single, n: notViable },
    ops: [
      ...ready(),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      invalidateVaddr('c', 0x10000, 1),
      openGroup('n', 'n'),
      setContainer('n', 'c'),
      getStatus('n'),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      setContainer('n', 'c'),
      unmapAll('c'),
    ],
  },
  {
    id: 'failed_type_undoes_all_groups',
    about: 'A SET_IOMMU that fails with two groups leaves both attached, and another type may be tried.',
    slots: { g: single, h: single },
    ops: [
      openContainer('c'),
      openGroup('g', 'g'),
      openGroup('h', 'h'),
      setContainer('g', 'c'),
      setContainer('h', 'c'),
      setIommu('c', 'VFIO_TYPE1_NESTING_IOMMU'),
      getStatus('g'),
      getStatus('h'),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'mappings_stay_charged_until_the_last_close',
    about: 'Closing container and group gives no locked memory back while a device is open; closing the device does.',
    slots: { g: single, h: single },
    ops: [
      ...ready(),
      memory('ram', 1),
      { op: 'drop_capability', capability: 'ipc_lock' },
      memlock(1),
      map('c', 0x10000, 'ram', 0, 1),
      openContainer('k'),
      openGroup('h', 'h'),
      setContainer('h', 'k'),
      setIommu('k', 'VFIO_TYPE1v2_IOMMU'),
      close('c'),
      map('k', 0x10000, 'ram', 0, 1),
      openDevice('g', 'g', 'd'),
      close('g'),
      map('k', 0x10000, 'ram', 0, 1),
      close('d'),
      map('k', 0x10000, 'ram', 0, 1),
      unmapAll('k'),
    ],
  },
  ...(['read', 'write'] as const).map((mode) => ({
    id: `descriptors_opened_to_${mode}_do_everything`,
    about: `With container and group opened only to ${mode}, devices are opened and transfer.`,
    ops: [
      { op: 'open', what: 'container', access: mode, as: 'c' },
      { op: 'open', what: 'group', slot: 'g', access: mode, as: 'g' },
      ...ready().slice(2),
      openDevice('g', 'g', 'd'),
      ...busMaster('d'),
      memory('ram', 1),
      pattern('ram', 0, 32, 3),
      map('c', 0x10000, 'ram', 0, 1),
      dmaIn('d', 0x10000, 16),
      dmaOut('d', 0x10040, 16),
      unmapAll('c'),
    ] satisfies Op[],
  })),
  {
    id: 'devices_have_no_position',
    about: 'A seek of a device answers ESPIPE, as of a container and a group.',
    ops: [...ready(), openDevice('g', 'g', 'd'), ...['c', 'g', 'd'].map((fd): Op => ({ op: 'seek', fd, offset: 0 }))],
  },
];
