import { access, busMaster, close, dmaIn, dmaOut, invalidateVaddr, map, memory, openContainer, openDevice, openGroup, pattern, setContainer, setIommu, unmap, updateVaddr } from '../build.ts';
import { multi, single } from '../suite.ts';
import { ready, readyForDma, type Scenario } from './scenario.ts';

const SOURCE = 0x10000;
const TARGET = 0x20000;
const UNMAPPED = 0x80000;

/** Two pages each to copy from and to, mapped. */
const copyGround = [
  memory('from', 2), memory('to', 2), pattern('from', 0, 256, 3), pattern('from', 0x1000, 256, 5),
  map('c', SOURCE, 'from', 0, 2), map('c', TARGET, 'to', 0, 2),
];

/** What a device can and cannot reach: real transfers through the IOMMU. */
export const dmaScenarios: Scenario[] = [
  {
    id: 'dma_copies', about: 'A device copies from one mapping to another exactly, and neighbouring bytes stay.',
    ops: [...readyForDma(), ...copyGround, dmaIn('d', SOURCE, 64), dmaOut('d', TARGET + 32, 64)],
  },
  {
    id: 'dma_reads_zeros_where_nothing_is_mapped', about: 'A device that reads an unmapped address receives zeros, not what it held.',
    ops: [...readyForDma(), ...copyGround, dmaIn('d', SOURCE, 16), dmaIn('d', UNMAPPED, 16), dmaOut('d', TARGET, 16)],
  },
  {
    id: 'dma_write_where_nothing_is_mapped', about: 'A write to an unmapped address leaves memory as it was.',
    ops: [...readyForDma(), ...copyGround, dmaIn('d', SOURCE, 16), dmaOut('d', UNMAPPED, 16)],
  },
  {
    id: 'dma_write_to_read_only', about: 'A write to a READ mapping leaves memory as it was.',
    ops: [...readyForDma(), memory('from', 1), pattern('from', 0, 64, 3), map('c', SOURCE, 'from', 0, 1, access.read), dmaIn('d', SOURCE, 16), dmaOut('d', SOURCE + 64, 16)],
  },
  {
    id: 'dma_read_of_write_only', about: 'Whether a device can read through a WRITE mapping.',
    ops: [
      ...readyForDma(), memory('from', 1), memory('to', 1), pattern('from', 0, 64, 3),
      map('c', SOURCE, 'from', 0, 1, access.write), map('c', TARGET, 'to', 0, 1), dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16),
    ],
  },
  {
    id: 'dma_after_unmap', about: 'After UNMAP the device reaches the page no more, not even through a translation it used before.',
    ops: [...readyForDma(), ...copyGround, dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16), unmap('c', TARGET, 2), dmaIn('d', SOURCE + 0x1000, 16), dmaOut('d', TARGET, 16)],
  },
  {
    id: 'dma_across_swapped_pages', about: 'A transfer over a page boundary follows each page to where it is.',
    ops: [
      ...readyForDma(), memory('from', 1), memory('to', 2), pattern('from', 0, 128, 9), map('c', SOURCE, 'from', 0, 1),
      map('c', TARGET, 'to', 0x1000, 1), map('c', TARGET + 0x1000, 'to', 0, 1), dmaIn('d', SOURCE, 128), dmaOut('d', TARGET + 0x1000 - 64, 128),
    ],
  },
  {
    id: 'dma_into_an_unmapped_page', about: 'Of a transfer from a mapped into an unmapped page the mapped part is written.',
    ops: [...readyForDma(), ...copyGround, dmaIn('d', SOURCE, 128), dmaOut('d', TARGET + 0x2000 - 64, 128)],
  },
  {
    id: 'dma_without_container_and_group', about: 'With container and group closed and the device open, transfers go on.',
    ops: [...readyForDma(), ...copyGround, close('c'), close('g'), dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16)],
  },
  {
    id: 'dma_after_munmap', about: 'A device goes on using a page that the process has unmapped.',
    ops: [
      ...readyForDma(), ...copyGround, { op: 'unmap', memory: 'from', at: 0, length: 0x1000 }, dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16),
      { op: 'unmap', memory: 'to', at: 0, length: 0x1000 }, dmaIn('d', SOURCE + 0x1000, 16), dmaOut('d', TARGET, 16), dmaIn('d', TARGET, 16), dmaOut('d', TARGET + 0x1000, 16),
    ],
  },
  {
    id: 'dma_after_discard', about: 'A device goes on using a page that the process has discarded; the process reads zeros there.',
    ops: [
      ...readyForDma(), ...copyGround, { op: 'discard', memory: 'from', at: 0, length: 0x1000 }, dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16),
      { op: 'discard', memory: 'to', at: 0, length: 0x1000 }, dmaIn('d', SOURCE + 0x1000, 16), dmaOut('d', TARGET, 16), { op: 'peek', memory: 'to', at: 0, length: 16 },
    ],
  },
  {
    id: 'dma_v1_unmap_that_removes_nothing', about: 'A v1 UNMAP that starts inside a mapping leaves it translating; one of the whole mapping blocks it.',
    ops: [
      ...readyForDma('VFIO_TYPE1_IOMMU'), ...copyGround, unmap('c', TARGET + 0x1000, 1), dmaIn('d', SOURCE, 16), dmaOut('d', TARGET + 0x1000, 16),
      unmap('c', TARGET, 2), dmaIn('d', SOURCE + 0x1000, 16), dmaOut('d', TARGET + 0x1000, 16),
    ],
  },
  {
    id: 'dma_with_vaddr_invalidated', about: 'With the virtual address invalidated, and after its replacement, a device goes on using the original page.',
    ops: [
      ...readyForDma(), ...copyGround, memory('new', 2), invalidateVaddr('c', TARGET, 2), dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16),
      updateVaddr('c', TARGET, 'new', 0, 2), dmaIn('d', SOURCE + 0x1000, 16), dmaOut('d', TARGET, 16),
    ],
  },
  {
    id: 'dma_of_a_second_group', about: 'A group that joins a container with a backend uses the mappings made before.',
    slots: { g: single, h: single },
    ops: [...ready(), ...copyGround, openGroup('h', 'h'), setContainer('h', 'c'), openDevice('h', 'h', 'd'), ...busMaster('d'), dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16)],
  },
  {
    id: 'dma_after_another_group_left', about: 'When another group leaves, mappings stay.',
    slots: { g: single, h: single },
    ops: [...readyForDma(), ...copyGround, openGroup('h', 'h'), setContainer('h', 'c'), close('h'), dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16)],
  },
  {
    id: 'dma_of_a_group_of_two', about: 'A device of a group of two transfers as one that is alone.', slots: { g: multi },
    ops: [...readyForDma(), ...copyGround, dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16)],
  },
  {
    id: 'dma_in_two_containers', about: 'Two containers map the same I/O virtual address independently.',
    slots: { g: single, h: single },
    ops: [
      ...readyForDma(), openContainer('k'), openGroup('h', 'h'), setContainer('h', 'k'), setIommu('k', 'VFIO_TYPE1v2_IOMMU'), openDevice('h', 'h', 'e'), ...busMaster('e'),
      memory('one', 1), memory('two', 1), pattern('one', 0, 32, 1), pattern('two', 0, 32, 2), map('c', SOURCE, 'one', 0, 1), map('k', SOURCE, 'two', 0, 1),
      dmaIn('d', SOURCE, 16), dmaOut('d', SOURCE + 64, 16), dmaIn('e', SOURCE, 16), dmaOut('e', SOURCE + 64, 16),
    ],
  },
  {
    id: 'dma_without_bus_mastering', about: 'Bus mastering is off when a device is first opened, and then nothing moves.',
    ops: [
      ...ready(), openDevice('g', 'g', 'd'), ...copyGround, ...busMaster('d'), dmaIn('d', SOURCE, 16),
      { op: 'poke', memory: 'arg', at: 0, bytes: '0200' }, { op: 'pwrite', fd: 'd', offset: '0x70000000004', memory: 'arg', at: 0, length: 2 }, dmaOut('d', TARGET, 16),
    ],
  },
  {
    id: 'dma_sees_later_stores_to_untouched_page', about: 'Whether a device sees what the process stores to a page that nobody had touched when it was mapped for READ.',
    ops: [
      ...readyForDma(), memory('from', 1, { fill: 'untouched' }), memory('to', 1), map('c', SOURCE, 'from', 0, 1, access.read), map('c', TARGET, 'to', 0, 1),
      pattern('from', 0, 64, 3), dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16),
    ],
  },
  {
    id: 'closed_device', about: 'A device that was closed takes neither access nor transfer.',
    ops: [...readyForDma(), ...copyGround, close('d'), ...busMaster('d'), dmaIn('d', SOURCE, 16)],
  },
  {
    id: 'dma_after_fork', about: 'After fork the pinned page stays with the parent.',
    ops: [
      ...readyForDma(), ...copyGround, { op: 'fork', as: 'child' }, { op: 'poke', actor: 'child', memory: 'from', at: 0, bytes: 'aa'.repeat(16) },
      dmaIn('d', SOURCE, 16), dmaOut('d', TARGET, 16), { op: 'exit', actor: 'child' },
    ],
  },
];
