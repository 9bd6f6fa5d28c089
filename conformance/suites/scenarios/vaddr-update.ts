import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  close,
  invalidateVaddr,
  ioctlStruct,
  map,
  memory,
  openGroup,
  setContainer,
  unmap,
  unmapAll,
  updateVaddr,
} from '../../programs/build.ts';
import { single } from '../suite.ts';
import { ready, type Scenario } from './scenario.ts';

const _child = (op: Op): Op => ({ ...op, actor: 'child' });
const { VFIO_DMA_UNMAP_FLAG_ALL: ALL, VFIO_DMA_UNMAP_FLAG_VADDR: VADDR } = uapi.flags.dma_unmap_flags as Record<
  string,
  number
>;
const invalidateAll = unmap('c', 0, 0, ALL! | VADDR!);

/** Invalidating and replacing the virtual address of mappings. */
export const vaddrUpdateScenarios: Scenario[] = [
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
    id: 'vaddr_update_to_the_end_of_the_address_space',
    about: 'A VADDR update whose range ends at 2^64 finds no mapping, because the end wraps.',
    ops: [
      ...ready(),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      invalidateVaddr('c', 0x10000, 1),
      ioctlStruct('c', 'VFIO_IOMMU_MAP_DMA', {
        argsz: 32,
        flags: uapi.flags.dma_map_flags!.VFIO_DMA_MAP_FLAG_VADDR!,
        iova: 0x10000,
        size: (1n << 64n) - 0x10000n,
      }),
      unmapAll('c'),
    ],
  },
  ...['VFIO_TYPE1_IOMMU', 'VFIO_TYPE1v2_IOMMU'].map((type) => ({
    id: `vaddr_of_all_on_${type.toLowerCase()}`,
    about: 'ALL with VADDR invalidates everything, once.',
    ops: [
      ...ready(type),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 1),
      map('c', 0x20000, 'ram', 0x1000, 1),
      invalidateAll,
      invalidateAll,
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      updateVaddr('c', 0x20000, 'ram', 0x1000, 1),
      invalidateAll,
      unmapAll('c'),
    ],
  })),
  {
    id: 'invalidation_to_the_end_of_the_address_space',
    about: 'VADDR over a range that ends at 2^64 marks nothing.',
    ops: [
      ...ready(),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      invalidateVaddr('c', 0x1000, 2 ** 52 - 1),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      unmapAll('c'),
    ],
  },
  {
    id: 'invalidation_keeps_groups_out',
    about: 'EBUSY for a further group ends with the update, or with the removal of the mapping.',
    slots: { g: single, h: single },
    ops: [
      ...ready(),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      invalidateVaddr('c', 0x10000, 1),
      openGroup('h', 'h'),
      setContainer('h', 'c'),
      updateVaddr('c', 0x10000, 'ram', 0, 1),
      setContainer('h', 'c'),
      close('h'),
      invalidateVaddr('c', 0x10000, 1),
      openGroup('h', 'h'),
      setContainer('h', 'c'),
      unmap('c', 0x10000, 1),
      setContainer('h', 'c'),
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
