import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  getInfo,
  getStatus,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
  startDirtyTracking,
  unmap,
  unmapAll,
} from '../../programs/build.ts';
import { single } from '../suite.ts';
import type { Operation } from './operation.ts';

const v2 = 'VFIO_TYPE1v2_IOMMU';
const attached: Op[] = [openContainer('c'), openGroup('g', 'g'), setContainer('g', 'c')];
const ready: Op[] = [...attached, setIommu('c', v2)];
const mapped: Op[] = [...ready, memory('ram', 4), map('c', 0x10000, 'ram', 0, 2)];

const plain: Omit<Operation, 'slots'>[] = [
  {
    id: 'open_container',
    before: [],
    op: openContainer('c'),
    after: [openContainer('c'), openGroup('g', 'g'), setContainer('g', 'c')],
  },
  { id: 'open_group', before: [], op: openGroup('g', 'g'), after: [openGroup('g', 'g'), getStatus('g')] },
  {
    id: 'set_container',
    before: [openContainer('c'), openGroup('g', 'g')],
    op: setContainer('g', 'c'),
    after: [setContainer('g', 'c'), setIommu('c', v2)],
  },
  {
    id: 'set_container_with_backend',
    before: [...mapped, openGroup('h', 'h')],
    op: setContainer('h', 'c'),
    after: [setContainer('h', 'c'), getStatus('h'), unmapAll('c')],
  },
  {
    id: 'set_iommu',
    before: attached,
    op: setIommu('c', v2),
    after: [setIommu('c', 'VFIO_TYPE1_IOMMU'), unmapAll('c')],
  },
  {
    id: 'set_iommu_two_groups',
    before: [...attached, openGroup('h', 'h'), setContainer('h', 'c')],
    op: setIommu('c', v2),
    after: [setIommu('c', v2), unmapAll('c')],
  },
  {
    id: 'open_device',
    // Soon the allocations are those of the firmware's interpreter, which does not survive a failure.
    allocations: 2,
    before: ready,
    op: openDevice('g', 'g', 'd'),
    after: [openDevice('g', 'g', 'd')],
  },
  {
    id: 'map_dma',
    before: [...ready, memory('ram', 4)],
    op: map('c', 0x10000, 'ram', 0, 4),
    after: [map('c', 0x10000, 'ram', 0, 4), unmapAll('c')],
  },
  {
    id: 'map_dma_while_tracking',
    before: [...ready, memory('ram', 4), startDirtyTracking('c')],
    op: map('c', 0x10000, 'ram', 0, 4),
    after: [map('c', 0x10000, 'ram', 0, 4), unmapAll('c')],
  },
  { id: 'unmap_dma', before: mapped, op: unmap('c', 0x10000, 2), after: [unmapAll('c')] },
  {
    id: 'start_dirty_tracking',
    before: [...mapped, map('c', 0x20000, 'ram', 0x2000, 2)],
    op: startDirtyTracking('c'),
    after: [startDirtyTracking('c'), unmapAll('c')],
  },
  {
    id: 'get_info',
    before: [...mapped, memory('info', 1)],
    op: getInfo('c', 'info', 256),
    after: [getInfo('c', 'info', 256)],
  },
];

/** What containers and groups are asked for, with or without guest tables; afterwards the operation again, and its effect. */
export const plainOperations: Operation[] = plain.map((one) => ({ ...one, slots: { g: single, h: single } }));
