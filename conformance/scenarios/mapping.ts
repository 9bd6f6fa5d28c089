import type { Op } from '../../spec/uapi/vocabulary.ts';
import { access, close, invalidateVaddr, map, memory, openContainer, openDevice, openGroup, setContainer, setIommu, unmap, unmapAll, updateVaddr } from '../build.ts';
import { notViable, single } from '../suite.ts';
import { ready, type Scenario } from './scenario.ts';

const child = (op: Op): Op => ({ ...op, actor: 'child' });
const dropLock: Op = { op: 'drop_capability', capability: 'ipc_lock' };
const memlock = (pages: number): Op => ({ op: 'rlimit', resource: 'memlock', value: pages * 0x1000 });
const entryLimit = (value: number): Op => ({ op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'dma_entry_limit', value: String(value) });
const entryLimitChange = { module: 'vfio_iommu_type1', parameter: 'dma_entry_limit' };

/** What holds for mappings over time, in several processes, and under limits. */
export const mappingScenarios: Scenario[] = [
  {
    id: 'mappings_are_never_merged', about: 'Adjacent mappings are legal and stay apart: a v2 UNMAP of one leaves the other.',
    ops: [...ready(), memory('ram', 2), map('c', 0x10000, 'ram', 0, 1), map('c', 0x11000, 'ram', 0x1000, 1), unmap('c', 0x10000, 1), unmapAll('c')],
  },
  {
    id: 'mapping_can_be_made_again', about: 'A mapping that was removed can be made again; one that is there cannot.',
    ops: [...ready(), memory('ram', 1), map('c', 0, 'ram', 0, 1), map('c', 0, 'ram', 0, 1), unmap('c', 0, 1), map('c', 0, 'ram', 0, 1), unmap('c', 0, 1)],
  },
  {
    id: 'map_that_fails_leaves_nothing', about: 'A MAP_DMA that faults in its second page leaves neither mapping nor entry.',
    changes: [entryLimitChange],
    ops: [entryLimit(1), ...ready(), memory('ram', 1), map('c', 0x10000, 'ram', 0, 2), unmapAll('c'), map('c', 0x10000, 'ram', 0, 1), unmapAll('c')],
  },
  {
    id: 'entry_limit_is_taken_at_set_iommu', about: 'The entry limit of the moment of SET_IOMMU rules, whatever the parameter says later; unmapping gives entries back.',
    changes: [entryLimitChange],
    ops: [
      entryLimit(1), ...ready(), entryLimit(8), memory('ram', 2), map('c', 0x10000, 'ram', 0, 1), map('c', 0x11000, 'ram', 0x1000, 1),
      unmap('c', 0x10000, 1), map('c', 0x11000, 'ram', 0x1000, 1), unmapAll('c'),
    ],
  },
  {
    id: 'memlock_may_be_reached_not_passed', about: 'Exactly reaching the locked-memory limit is allowed, one page over is ENOMEM.',
    ops: [...ready(), memory('ram', 3), dropLock, memlock(2), map('c', 0x10000, 'ram', 0, 3), map('c', 0x10000, 'ram', 0, 2), map('c', 0x20000, 'ram', 0x2000, 1)],
  },
  {
    id: 'memlock_charges_each_mapping', about: 'The same page mapped twice is charged twice.',
    ops: [...ready(), memory('ram', 1), dropLock, memlock(1), map('c', 0x10000, 'ram', 0, 1), map('c', 0x20000, 'ram', 0, 1), unmapAll('c')],
  },
  {
    id: 'memlock_comes_back', about: 'UNMAP and the roll-back of a failed MAP return the charge.',
    ops: [
      ...ready(), memory('ram', 2), dropLock, memlock(2), map('c', 0x10000, 'ram', 0, 3), map('c', 0x10000, 'ram', 0, 2), unmap('c', 0x10000, 2),
      map('c', 0x10000, 'ram', 0, 2), unmapAll('c'),
    ],
  },
  {
    id: 'memlock_is_read_at_each_call', about: 'The limit is read at the time of each call.',
    ops: [...ready(), memory('ram', 2), dropLock, memlock(1), map('c', 0x10000, 'ram', 0, 1), memlock(0), map('c', 0x20000, 'ram', 0x1000, 1), unmapAll('c')],
  },
  {
    id: 'memlock_counts_for_the_exempt', about: 'CAP_IPC_LOCK lifts the limit, not the counting.',
    ops: [...ready(), memory('ram', 2), map('c', 0x10000, 'ram', 0, 1), dropLock, memlock(1), map('c', 0x20000, 'ram', 0x1000, 1), unmapAll('c')],
  },
  {
    id: 'memlock_of_untouched_pages', about: 'Whether a READ mapping of a page that nobody touched is charged.',
    ops: [...ready(), memory('ram', 1, { fill: 'untouched' }), dropLock, memlock(0), map('c', 0x10000, 'ram', 0, 1, access.read), unmapAll('c')],
  },
  {
    id: 'memlock_of_untouched_pages_for_writing', about: 'A WRITE mapping of a page that nobody touched is charged.',
    ops: [...ready(), memory('ram', 1, { fill: 'untouched' }), dropLock, memlock(0), map('c', 0x10000, 'ram', 0, 1, access.write), unmapAll('c')],
  },
  {
    id: 'device_memory_can_be_mapped', about: "A device's own memory can be mapped, and is not charged.",
    ops: [
      ...ready(), openDevice('g', 'g', 'd'), { op: 'mmap', as: 'bar', length: 0x1000, backing: 'fd', fd: 'd', offset: 0 }, dropLock, memlock(0),
      map('c', 0x10000, 'bar', 0, 1), unmapAll('c'),
    ],
  },
  {
    id: 'mapping_of_a_child_outlives_it', about: 'A mapping belongs to the address space that made it, outlives the process, and anybody with the descriptor can remove it.',
    ops: [
      ...ready(), memory('ram', 1), { op: 'fork', as: 'child' }, child(map('c', 0x10000, 'ram', 0, 1)), { op: 'exit', actor: 'child' },
      map('c', 0x10000, 'ram', 0, 1), unmapAll('c'),
    ],
  },
  {
    id: 'charge_is_the_callers', about: 'A mapping is charged to the process that makes it, not to the opener of the container.',
    ops: [
      ...ready(), memory('ram', 1), dropLock, memlock(1), { op: 'fork', as: 'child' }, child(map('c', 0x10000, 'ram', 0, 1)),
      map('c', 0x20000, 'ram', 0, 1), child(map('c', 0x30000, 'ram', 0, 1)), { op: 'exit', actor: 'child' }, unmapAll('c'),
    ],
  },
  {
    id: 'vaddr_update_takes_any_address', about: 'A VADDR update does not check the new address, and makes the mapping valid again.',
    ops: [
      ...ready(), memory('ram', 1), memory('gone', 1, { protection: 'none' }), map('c', 0x10000, 'ram', 0, 1), invalidateVaddr('c', 0x10000, 1),
      updateVaddr('c', 0x10000, 'gone', 0, 1), updateVaddr('c', 0x10000, 'ram', 0, 1), unmapAll('c'),
    ],
  },
  {
    id: 'vaddr_update_of_another_range', about: 'A VADDR update of another range than the mapping is refused.',
    ops: [...ready(), memory('ram', 2), map('c', 0x10000, 'ram', 0, 2), invalidateVaddr('c', 0x10000, 2), updateVaddr('c', 0x10000, 'ram', 0, 1), updateVaddr('c', 0x10000, 'ram', 0, 2), unmapAll('c')],
  },
  {
    id: 'invalidation_is_taken_back', about: 'An invalidation that meets an invalidated mapping takes its own marks back.',
    ops: [
      ...ready(), memory('ram', 2), map('c', 0x10000, 'ram', 0, 1), map('c', 0x11000, 'ram', 0x1000, 1), invalidateVaddr('c', 0x11000, 1),
      invalidateVaddr('c', 0x10000, 2), updateVaddr('c', 0x10000, 'ram', 0, 1), updateVaddr('c', 0x11000, 'ram', 0x1000, 1), unmapAll('c'),
    ],
  },
  {
    id: 'type_can_change_after_the_last_group', about: 'When the last group leaves, backend and mappings are gone and the container takes another type.',
    ops: [
      ...ready('VFIO_TYPE1_IOMMU'), memory('ram', 1), map('c', 0x10000, 'ram', 0, 1), close('g'), setIommu('c', 'VFIO_TYPE1v2_IOMMU'), unmapAll('c'),
      openGroup('g', 'g'), setContainer('g', 'c'), setIommu('c', 'VFIO_TYPE1v2_IOMMU'), unmapAll('c'),
    ],
  },
  {
    id: 'type_can_be_tried_again', about: 'A failed SET_IOMMU leaves the container as it was, and another type may be tried.',
    ops: [openContainer('c'), openGroup('g', 'g'), setContainer('g', 'c'), setIommu('c', 'VFIO_TYPE1_NESTING_IOMMU'), setIommu('c', 'VFIO_UNMAP_ALL'), setIommu('c', 'VFIO_TYPE1_IOMMU'), unmapAll('c')],
  },
  {
    id: 'closed_container_keeps_its_groups', about: 'Closing the container takes nothing from its groups: they stay attached.',
    ops: [...ready(), close('c'), openContainer('k'), setContainer('g', 'k'), close('g'), openGroup('g', 'g'), setContainer('g', 'k')],
  },
  {
    id: 'group_stays_open_with_its_device', about: 'A closed group whose device is open cannot be opened anew; with the device closed it can, and is new.',
    ops: [
      ...ready(), openDevice('g', 'g', 'd'), close('g'), openGroup('g', 'again'), close('d'), unmapAll('c'), openGroup('g', 'g'), openGroup('g', 'again'),
      setContainer('g', 'c'), setIommu('c', 'VFIO_TYPE1v2_IOMMU'), unmapAll('c'),
    ],
  },
  {
    id: 'duplicate_keeps_the_group_open', about: 'A duplicate of its descriptor keeps a group open and attached.',
    ops: [...ready(), { op: 'dup', fd: 'g', as: 'twin' }, close('g'), openGroup('g', 'again'), unmapAll('c'), close('twin'), unmapAll('c'), openGroup('g', 'again')],
  },
  {
    id: 'closing_what_is_closed', about: 'Closing a descriptor twice answers EBADF.',
    ops: [openContainer('c'), close('c'), close('c'), setIommu('c', 'VFIO_TYPE1_IOMMU')],
  },
  {
    id: 'device_needs_a_backend', about: 'A group gives no device before its container has a backend.',
    ops: [openContainer('c'), openGroup('g', 'g'), openDevice('g', 'g', 'd'), setContainer('g', 'c'), openDevice('g', 'g', 'd'), setIommu('c', 'VFIO_TYPE1v2_IOMMU'), openDevice('g', 'g', 'd')],
  },
  {
    id: 'claimed_group_refuses_a_kernel_driver', about: 'While a group is attached, a kernel driver cannot claim its DMA; afterwards it can, and the group is not viable.',
    slots: { g: notViable }, changes: [{ slot: 'g' }],
    ops: [
      openContainer('c'), openGroup('g', 'g'), setContainer('g', 'c'), { op: 'unbind_driver', slot: 'g', device: 'claimed' }, setContainer('g', 'c'),
      { op: 'bind_driver', slot: 'g', device: 'claimed', driver: 'native' }, close('g'), { op: 'bind_driver', slot: 'g', device: 'claimed', driver: 'native' },
      openGroup('g', 'g'), setContainer('g', 'c'),
    ],
  },
  {
    id: 'orphan_stays_orphaned', about: 'Unbinding the last device detaches and orphans its group; rebinding makes a new one, and the old descriptor stays orphaned.',
    changes: [{ slot: 'g' }],
    ops: [
      ...ready(), { op: 'unbind_driver', slot: 'g', device: 0 }, unmapAll('c'), setContainer('g', 'c'), openDevice('g', 'g', 'd'),
      { op: 'bind_driver', slot: 'g', device: 0, driver: 'vfio-pci' }, setContainer('g', 'c'), openGroup('g', 'new'), setContainer('new', 'c'),
    ],
  },
  {
    id: 'groups_of_two_containers', about: 'A group of one container is refused by another until it has left.',
    slots: { g: single, h: single },
    ops: [
      ...ready(), openContainer('k'), openGroup('h', 'h'), setContainer('h', 'k'), setContainer('g', 'k'), setContainer('h', 'c'), close('h'), openGroup('h', 'h'), setContainer('h', 'c'),
    ],
  },
];
