import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { map, memory, unmap, unmapAll } from '../../programs/build.ts';
import { ready, type Scenario } from './scenario.ts';

const child = (op: Op): Op => ({ ...op, actor: 'child' });
const entryLimit = (value: number): Op => ({
  op: 'set_parameter',
  module: 'vfio_iommu_type1',
  parameter: 'dma_entry_limit',
  value: String(value),
});
const entryLimitChange = { module: 'vfio_iommu_type1', parameter: 'dma_entry_limit' };

/** What holds for mappings over time, in several processes, and with few entries. */
export const mappingScenarios: Scenario[] = [
  {
    id: 'map_without_huge_pages',
    about: 'Whether a backend may use large pages does not show.',
    changes: [{ module: 'vfio_iommu_type1', parameter: 'disable_hugepages' }],
    ops: [
      { op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'disable_hugepages', value: '1' },
      ...ready(),
      memory('ram', 8),
      map('c', 0x10000, 'ram', 0, 8),
      map('c', 0x17000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'map_past_the_end_of_a_file',
    about: 'Pages past the end of a file cannot be mapped; what is mapped stays when the file is cut.',
    ops: [
      ...ready(),
      memory('memory_file', 3, { backing: 'memfd' }),
      memory('file', 3, { backing: 'file' }),
      map('c', 0x10000, 'memory_file', 0, 2),
      { op: 'truncate', memory: 'memory_file', length: 0x1000 },
      { op: 'truncate', memory: 'file', length: 0x2000 },
      map('c', 0x20000, 'memory_file', 0, 2),
      map('c', 0x20000, 'memory_file', 0, 1),
      map('c', 0x30000, 'file', 0, 3),
      map('c', 0x30000, 'file', 0, 2),
      unmapAll('c'),
    ],
  },
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
];
