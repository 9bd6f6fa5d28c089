import type { Change, Op } from '../../../spec/uapi/vocabulary.ts';
import {
  invalidateVaddr,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
  startDirtyTracking,
} from '../../programs/build.ts';
import { interrupt, openEvent, readEvent, setIrqs } from '../../programs/device-ops.ts';
import { multi, notViable, resettable, single } from '../suite.ts';
import type { Situation } from './situation.ts';

const g = { g: single };
const gh = { g: single, h: single };
const c0: Op[] = [openContainer('c')];
const c1: Op[] = [...c0, openGroup('g', 'g'), setContainer('g', 'c')];
const c2 = (type: string): Op[] => [...c1, setIommu('c', type)];
const v1 = 'VFIO_TYPE1_IOMMU';
const v2 = 'VFIO_TYPE1v2_IOMMU';
/** Two neighbours, a gap, and a third mapping. */
const mapped: Op[] = [
  memory('ram', 8),
  map('c', 0x10000, 'ram', 0, 2),
  map('c', 0x12000, 'ram', 0x2000, 1),
  map('c', 0x16000, 'ram', 0x4000, 2),
];
const entryLimit: Change = { module: 'vfio_iommu_type1', parameter: 'dma_entry_limit' };

const container = { probe: 'container', fd: 'c' } as const;
const group = { probe: 'group', fd: 'g' } as const;
const device = { probe: 'device', fd: 'd' } as const;

/** States of containers, groups and devices on machines that do not nest. */
export const situations: Situation[] = [
  { ...container, id: 'c0', numbers: true, sentence: 'No group attached.', slots: {}, ops: c0 },
  { ...container, id: 'c1', numbers: true, sentence: 'A group attached, no backend.', slots: g, ops: c1 },
  {
    ...container,
    id: 'c1_two_groups',
    sentence: 'Two groups attached, no backend.',
    slots: { g: single, m: multi },
    ops: [...c1, openGroup('m', 'm'), setContainer('m', 'c')],
  },
  { ...container, id: 'c2_v1', numbers: true, sentence: 'Type 1 backend, nothing mapped.', slots: g, ops: c2(v1) },
  { ...container, id: 'c2_v2', numbers: true, sentence: 'Type 1 v2 backend, nothing mapped.', slots: g, ops: c2(v2) },
  {
    ...container,
    id: 'c2_v1_mapped',
    effort: 'ranges',
    form: 'plain',
    sentence: 'Type 1 backend with mappings.',
    slots: g,
    ops: [...c2(v1), ...mapped],
  },
  {
    ...container,
    id: 'c2_v2_mapped',
    effort: 'pairs',
    form: 'plain',
    sentence: 'Type 1 v2 backend with mappings.',
    slots: g,
    ops: [...c2(v2), ...mapped],
  },
  {
    ...container,
    id: 'c2_v2_invalidated',
    sentence: 'A mapping whose virtual address is invalidated.',
    slots: g,
    ops: [...c2(v2), ...mapped, invalidateVaddr('c', 0x12000, 1)],
  },
  {
    ...container,
    id: 'c2_v2_dirty',
    effort: 'pairs',
    form: 'extended',
    sentence: 'Dirty tracking is on.',
    slots: g,
    ops: [...c2(v2), ...mapped, startDirtyTracking('c')],
  },
  {
    ...container,
    id: 'c2_v2_two_groups',
    effort: 'ordinary',
    sentence: 'Type 1 v2 backend with two groups.',
    slots: { g: single, m: multi },
    ops: [...c2(v2), openGroup('m', 'm'), setContainer('m', 'c')],
  },
  {
    ...container,
    id: 'c2_v2_snoop_control',
    sentence: 'The IOMMU can enforce cache coherency.',
    machine: { snoopControl: true },
    effort: 'ordinary',
    slots: g,
    ops: c2(v2),
  },
  {
    ...container,
    id: 'c2_v2_48_bit',
    sentence: 'The IOMMU translates addresses of 48 bits.',
    machine: { addressBits: 48 },
    slots: g,
    ops: c2(v2),
  },
  {
    ...container,
    id: 'c2_v2_full',
    sentence: 'No mapping entry left.',
    slots: g,
    changes: [entryLimit],
    ops: [
      { op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'dma_entry_limit', value: '2' },
      ...c2(v2),
      memory('ram', 2),
      map('c', 0x10000, 'ram', 0, 1),
      map('c', 0x11000, 'ram', 0x1000, 1),
    ],
  },
  {
    ...container,
    id: 'c2_v2_memlock',
    sentence: 'One page of locked memory left.',
    slots: g,
    ops: [
      ...c2(v2),
      memory('ram', 2),
      { op: 'drop_capability', capability: 'ipc_lock' },
      { op: 'rlimit', resource: 'memlock', value: 0x2000 },
      map('c', 0x10000, 'ram', 0, 1),
    ],
  },
  {
    ...container,
    id: 'c2_v2_read_only',
    effort: 'ordinary',
    sentence: 'Container and group opened for reading only.',
    slots: g,
    ops: [
      { op: 'open', what: 'container', access: 'read', as: 'c' },
      { op: 'open', what: 'group', slot: 'g', access: 'read', as: 'g' },
      setContainer('g', 'c'),
      setIommu('c', v2),
    ],
  },
  {
    ...container,
    id: 'c1_no_backend',
    sentence: 'The type1 backend is not loaded.',
    machine: { type1Module: false },
    slots: g,
    ops: c1,
  },
  {
    ...container,
    id: 'c1_no_isolation',
    sentence: 'The IOMMU does not isolate interrupts.',
    machine: { interruptRemapping: false },
    slots: g,
    ops: c1,
  },

  {
    ...group,
    id: 'g0_c0',
    effort: 'pairs',
    numbers: true,
    sentence: 'Group on its own, container new.',
    slots: g,
    ops: [...c0, openGroup('g', 'g')],
  },
  {
    ...group,
    id: 'g0_c1',
    sentence: 'Container with another group.',
    slots: gh,
    ops: [...c0, openGroup('h', 'h'), setContainer('h', 'c'), openGroup('g', 'g')],
  },
  {
    ...group,
    id: 'g0_c2',
    sentence: 'Container with a backend, a group and a mapping.',
    slots: gh,
    ops: [
      ...c0,
      openGroup('h', 'h'),
      setContainer('h', 'c'),
      setIommu('c', v2),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      openGroup('g', 'g'),
    ],
  },
  {
    ...group,
    id: 'g0_c2_invalidated',
    sentence: 'Container with an invalidated virtual address.',
    slots: gh,
    ops: [
      ...c0,
      openGroup('h', 'h'),
      setContainer('h', 'c'),
      setIommu('c', v2),
      memory('ram', 1),
      map('c', 0x10000, 'ram', 0, 1),
      invalidateVaddr('c', 0x10000, 1),
      openGroup('g', 'g'),
    ],
  },
  {
    ...group,
    id: 'gn_c0',
    numbers: true,
    sentence: 'Group not viable.',
    slots: { g: notViable },
    ops: [...c0, openGroup('g', 'g')],
  },
  {
    ...group,
    id: 'g1_same',
    effort: 'pairs',
    numbers: true,
    sentence: 'Group attached to the container.',
    slots: g,
    ops: c1,
  },
  {
    ...group,
    id: 'g1_other',
    sentence: 'Group attached to another container.',
    slots: g,
    ops: [...c0, openContainer('other'), openGroup('g', 'g'), setContainer('g', 'other')],
  },
  {
    ...group,
    id: 'g1d',
    numbers: true,
    sentence: 'Group attached, device open.',
    slots: g,
    ops: [...c2(v2), openDevice('g', 'g', 'd')],
  },
  {
    ...group,
    id: 'g0_multi',
    sentence: 'Group of two devices.',
    slots: { g: multi },
    ops: [...c0, openGroup('g', 'g')],
  },
  {
    ...group,
    id: 'gx',
    effort: 'ranges',
    numbers: true,
    sentence: 'Group orphaned.',
    slots: g,
    changes: [{ slot: 'g' }],
    ops: [...c0, openGroup('g', 'g'), { op: 'unbind_driver', slot: 'g', device: 0 }],
  },
  {
    ...device,
    id: 'd_open',
    effort: 'pairs',
    numbers: true,
    sentence: 'Device open.',
    slots: g,
    ops: [...c2(v2), openDevice('g', 'g', 'd')],
  },
  {
    ...device,
    id: 'd_resettable',
    effort: 'ordinary',
    sentence: 'Device open that can be reset on its own.',
    slots: { g: resettable },
    ops: [...c2(v2), openDevice('g', 'g', 'd')],
  },
  {
    ...device,
    id: 'd_msi',
    only: ['VFIO_DEVICE_SET_IRQS'],
    sentence: 'Device open, MSI enabled.',
    slots: g,
    ops: [
      ...c2(v2),
      openDevice('g', 'g', 'd'),
      openEvent('event'),
      setIrqs('d', { index: interrupt.msi, action: 'trigger', event: 'event' }),
    ],
    // How often the event was signalled: once, unless the op under test did, too.
    witnesses: [setIrqs('d', { index: interrupt.msi, action: 'trigger' }), readEvent('event')],
  },
];
