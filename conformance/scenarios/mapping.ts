import type { Op } from '../../spec/uapi/vocabulary.ts';
import { access, invalidateVaddr, map, memory, openDevice, unmap, unmapAll, updateVaddr } from '../build.ts';
import { ready, type Scenario } from './scenario.ts';

const child = (op: Op): Op => ({ ...op, actor: 'child' });
const dropLock: Op = { op: 'drop_capability', capability: 'ipc_lock' };
const memlock = (pages: number): Op => ({ op: 'rlimit', resource: 'memlock', value: pages * 0x1000 });
const entryLimit = (value: number): Op => ({
  op: 'set_parameter',
  module: 'vfio_iommu_type1',
  parameter: 'dma_entry_limit',
  value: String(value),
});
const entryLimitChange = { module: 'vfio_iommu_type1', parameter: 'dma_entry_limit' };

/** What holds for mappings over time, in several processes, and under limits. */
export const mappingScenarios: Scenario[] = [
  {
    id: 'mappings_are_never_merged',
    about: 'Adjacent mappings are legal and stay apart: a v2 UNMAP of one leaves the other.',
    ops: [
      ...ready(),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 1),
      map('c', 0x11000, 'ram', 0x1000, 1),
      unmap('c', 0x10000, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'mapping_can_be_made_again',
    about: 'A mapping that was removed can be made again; one that is there cannot.',
    ops: [
      ...ready(),
      memory('ram', 1),
      map('c', 0, 'ram', 0, 1),
      map('c', 0, 'ram', 0, 1),
      unmap('c', 0, 1),
      map('c', 0, 'ram', 0, 1),
      unmap('c', 0, 1),
    ],
  },
  {
    id: 'map_that_fails_leaves_nothing',
    about: 'A MAP_DMA that faults in its second page leaves neither mapping nor entry.',
    changes: [entryLimitChange],
    ops: [
      entryLimit(1),
      ...ready(),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 2),
      unmapAll('c'),
      map('c', 0x10000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'entry_limit_is_taken_at_set_iommu',
    about:
      'The entry limit of the moment of SET_IOMMU rules, whatever the parameter says later; unmapping gives entries back.',
    changes: [entryLimitChange],
    ops: [
      entryLimit(1),
      ...ready(),
      entryLimit(8),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 1),
      map('c', 0x11000, 'ram', 0x1000, 1),
      unmap('c', 0x10000, 1),
      map('c', 0x11000, 'ram', 0x1000, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'memlock_may_be_reached_not_passed',
    about: 'Exactly reaching the locked-memory limit is allowed, one page over is ENOMEM.',
    ops: [
      ...ready(),
      memory('ram', 3),
      dropLock,
      memlock(2),
      map('c', 0x10000, 'ram', 0, 3),
      map('c', 0x10000, 'ram', 0, 2),
      map('c', 0x20000, 'ram', 0x2000, 1),
    ],
  },
  {
    id: 'memlock_charges_each_mapping',
    about: 'The same page mapped twice is charged twice.',
    ops: [
      ...ready(),
      memory('ram', 1),
      dropLock,
      memlock(1),
      map('c', 0x10000, 'ram', 0, 1),
      map('c', 0x20000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'memlock_comes_back',
    about: 'UNMAP and the roll-back of a failed MAP return the charge.',
    ops: [
      ...ready(),
      memory('ram', 2),
      dropLock,
      memlock(2),
      map('c', 0x10000, 'ram', 0, 3),
      map('c', 0x10000, 'ram', 0, 2),
      unmap('c', 0x10000, 2),
      map('c', 0x10000, 'ram', 0, 2),
      unmapAll('c'),
    ],
  },
  {
    id: 'memlock_is_read_at_each_call',
    about: 'The limit is read at the time of each call.',
    ops: [
      ...ready(),
      memory('ram', 2),
      dropLock,
      memlock(1),
      map('c', 0x10000, 'ram', 0, 1),
      memlock(0),
      map('c', 0x20000, 'ram', 0x1000, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'memlock_counts_for_the_exempt',
    about: 'CAP_IPC_LOCK lifts the limit, not the counting.',
    ops: [
      ...ready(),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 1),
      dropLock,
      memlock(1),
      map('c', 0x20000, 'ram', 0x1000, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'memlock_of_untouched_pages',
    about: 'Whether a READ mapping of a page that nobody touched is charged.',
    ops: [
      ...ready(),
      memory('ram', 1, { fill: 'untouched' }),
      dropLock,
      memlock(0),
      map('c', 0x10000, 'ram', 0, 1, access.read),
      unmapAll('c'),
    ],
  },
  {
    id: 'memlock_of_untouched_pages_for_writing',
    about: 'A WRITE mapping of a page that nobody touched is charged.',
    ops: [
      ...ready(),
      memory('ram', 1, { fill: 'untouched' }),
      dropLock,
      memlock(0),
      map('c', 0x10000, 'ram', 0, 1, access.write),
      unmapAll('c'),
    ],
  },
  {
    id: 'device_memory_can_be_mapped',
    about: "A device's own memory can be mapped, and is not charged.",
    ops: [
      ...ready(),
      openDevice('g', 'g', 'd'),
      { op: 'mmap', as: 'bar', length: 0x1000, backing: 'fd', fd: 'd', offset: 0 },
      dropLock,
      memlock(0),
      map('c', 0x10000, 'bar', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'mapping_of_a_child_outlives_it',
    about:
      'A mapping belongs to the address space that made it, outlives the process, and anybody with the descriptor can remove it.',
    ops: [
      ...ready(),
      memory('ram', 1),
      { op: 'fork', as: 'child' },
      child(map('c', 0x10000, 'ram', 0, 1)),
      { op: 'exit', actor: 'child' },
      map('c', 0x10000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'charge_is_the_callers',
    about: 'A mapping is charged to the process that makes it, not to the opener of the container.',
    ops: [
      ...ready(),
      memory('ram', 1),
      dropLock,
      memlock(1),
      { op: 'fork', as: 'child' },
      child(map('c', 0x10000, 'ram', 0, 1)),
      map('c', 0x20000, 'ram', 0, 1),
      child(map('c', 0x30000, 'ram', 0, 1)),
      { op: 'exit', actor: 'child' },
      unmapAll('c'),
    ],
  },
  {
    id: 'vaddr_update_takes_any_address',
    about: 'A VADDR update does not check the new address, and makes the mapping valid again.',
    ops: [
      ...ready(),
      memory('ram', 1),
      memory('gone', 1, { protection: 'none' }),
      map('c', 0x10000, 'ram', 0, 1),
      invalidateVaddr('c', 0x10000, 1),
      updateVaddr('c', 0x10000, 'gone', 0, 1),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'vaddr_update_of_another_range',
    about: 'A VADDR update of another range than the mapping is refused.',
    ops: [
      ...ready(),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 2),
      invalidateVaddr('c', 0x10000, 2),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      updateVaddr('c', 0x10000, 'ram', 0, 2),
      unmapAll('c'),
    ],
  },
  {
    id: 'invalidation_is_taken_back',
    about: 'An invalidation that meets an invalidated mapping takes its own marks back.',
    ops: [
      ...ready(),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 1),
      map('c', 0x11000, 'ram', 0x1000, 1),
      invalidateVaddr('c', 0x11000, 1),
      invalidateVaddr('c', 0x10000, 2),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      updateVaddr('c', 0x11000, 'ram', 0x1000, 1),
      unmapAll('c'),
    ],
  },
];
