import { openContainer, setIommu } from '../../programs/build.ts';
import type { DataLayout } from '../../programs/nesting-ops.ts';
import { attach, behindAnother, NESTING, nestingMachine } from '../../programs/nesting-setup.ts';
import { multi, single } from '../suite.ts';
import {
  allocates,
  binds,
  flushes,
  frees,
  looksForPasids,
  mapsGuest,
  nestingMemories,
  plugs,
  transfersTagged,
  unbinds,
} from './nesting-steps.ts';
import type { Stage } from './stage.ts';
import {
  attaches,
  by,
  chooses,
  closes,
  drives,
  masters,
  opensContainer,
  opensDevice,
  opensGroup,
  step,
  unmapsAll,
} from './steps.ts';

/** The worlds of guest page tables that the suite tours; requests are in the layout that the contract's driver takes. */
export function nestingStages(layout: DataLayout): Stage[] {
  const bindings = (c: string, pasid: string) => [
    allocates(c, pasid),
    frees(c, pasid),
    binds(c, pasid, layout),
    unbinds(c, pasid, layout),
  ];
  const nested = [...nestingMemories, openContainer('c'), ...attach('c', 'g'), setIommu('c', NESTING)];
  const stages: Omit<Stage, 'machine'>[] = [
    {
      id: 'pasid',
      about: 'A container of the nesting type, a PASID, and a guest table.',
      slots: { g: single },
      ops: nestingMemories,
      steps: [
        opensContainer('c'),
        opensGroup('g'),
        opensDevice('g', 'd'),
        ...closes('c', 'g', 'd'),
        ...attaches('g', 'c'),
        chooses('c', NESTING),
        chooses('c', 'VFIO_TYPE1v2_IOMMU'),
        ...bindings('c', 'p'),
        flushes('c', 'p', layout),
      ],
    },
    {
      id: 'two_pasids',
      about: 'Two PASIDs of one container, each with a guest table.',
      slots: { g: single },
      ops: nested,
      steps: [...bindings('c', 'p'), ...bindings('c', 'q'), flushes('c', 'p', layout)],
    },
    {
      id: 'dma_with_pasid',
      about: 'What a device reaches with a PASID while the table and the memory behind it come and go.',
      slots: { g: single },
      ops: nested,
      steps: [
        opensDevice('g', 'd'),
        ...closes('d'),
        ...masters('d'),
        mapsGuest('c'),
        unmapsAll('c'),
        ...bindings('c', 'p'),
        transfersTagged('d', 'p'),
      ],
    },
    {
      id: 'second_group',
      about: 'A group that joins and leaves a container of the nesting type, and what its first device shows.',
      slots: { g: single, h: single },
      ops: nested,
      steps: [
        opensGroup('h'),
        ...closes('g', 'h'),
        ...attaches('h', 'c'),
        opensDevice('g', 'd'),
        ...closes('d'),
        looksForPasids('d'),
        ...bindings('c', 'p'),
      ],
    },
    {
      id: 'second_iommu',
      about: 'A group behind another IOMMU that joins and leaves a container of the nesting type.',
      slots: { g: single, h: behindAnother },
      ops: [...nested, ...attach('c', 'h').slice(0, 1)],
      steps: [...attaches('g', 'c'), ...attaches('h', 'c'), chooses('c', NESTING), ...bindings('c', 'p')],
    },
    {
      id: 'two_nesting_containers',
      about: 'Two containers of one process, and a PASID that belongs to both.',
      slots: { g: single, h: single },
      ops: [...nested, openContainer('k'), ...attach('k', 'h')],
      steps: [
        ...closes('c', 'g'),
        chooses('k', NESTING),
        step('leave k', ...attaches('h', 'k')[1]!.ops),
        ...bindings('c', 'p'),
        binds('k', 'p', layout),
        unbinds('k', 'p', layout),
        frees('k', 'p'),
      ],
    },
    {
      id: 'two_owners',
      about: 'Two processes, each with a container, and the PASID of one of them.',
      slots: { g: single, h: single },
      ops: [
        ...nested,
        openContainer('k'),
        ...attach('k', 'h'),
        { op: 'fork', as: 'child' },
        { ...setIommu('k', NESTING), actor: 'child' },
      ],
      steps: [
        allocates('c', 'p'),
        frees('c', 'p'),
        binds('c', 'p', layout),
        binds('k', 'p', layout),
        frees('k', 'p'),
        ...by('child', [allocates('k', 'p'), frees('k', 'p'), binds('k', 'p', layout), step('exit', { op: 'exit' })]),
      ],
    },
    {
      id: 'group_of_two',
      about: 'A group of two devices, one of which can lose its driver, and a guest table.',
      slots: { g: multi },
      changes: [{ slot: 'g' }],
      ops: nested,
      steps: [...bindings('c', 'p'), opensDevice('g', 'd'), ...closes('d'), looksForPasids('d'), ...drives('g', 1)],
    },
    {
      id: 'unbound_driver',
      about: 'The only device of a group loses its driver while a guest table is bound.',
      slots: { g: single },
      changes: [{ slot: 'g' }],
      ops: nested,
      steps: [...bindings('c', 'p'), ...closes('g'), opensGroup('g'), ...attaches('g', 'c'), ...drives('g', 0)],
    },
    {
      id: 'hot_plug',
      about: 'A second device appears in a group.',
      slots: { g: single },
      changes: [{ slot: 'g' }],
      ops: nested,
      steps: [plugs('g'), ...bindings('c', 'p'), opensDevice('g', 'd'), ...closes('d'), looksForPasids('d')],
    },
  ];
  return stages.map((stage) => ({ ...stage, machine: nestingMachine }));
}
