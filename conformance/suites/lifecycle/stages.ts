import type { Contract } from '../../../reference/interpreter/contract.ts';
import { openContainer } from '../../programs/build.ts';
import { layoutOf } from '../../programs/nesting-ops.ts';
import { multi, notViable, resettable, single } from '../suite.ts';
import { nestingStages } from './nesting-stages.ts';
import type { Stage } from './stage.ts';
import {
  asksContainer,
  asksDevice,
  asksStatus,
  attaches,
  by,
  chooses,
  choosesNone,
  closes,
  drives,
  duplicates,
  invalidates,
  maps,
  masters,
  memories,
  opensContainer,
  opensDevice,
  opensGroup,
  resets,
  step,
  tracks,
  transfers,
  unmaps,
  unmapsAll,
  unmapsAllByFlag,
  updates,
} from './steps.ts';

const v1 = 'VFIO_TYPE1_IOMMU';
const v2 = 'VFIO_TYPE1v2_IOMMU';

const basic = [
  opensContainer('c'),
  opensGroup('g'),
  opensDevice('g', 'd'),
  ...closes('c', 'g', 'd'),
  ...attaches('g', 'c'),
];

/** The worlds of machines that do not nest. */
export const plainStages: Stage[] = [
  {
    id: 'one_group',
    about: 'A container, a group and a device, with all that can be done to them.',
    slots: { g: single },
    ops: memories,
    steps: [
      ...basic,
      chooses('c', v1),
      chooses('c', v2),
      chooses('c', 'VFIO_TYPE1_NESTING_IOMMU'),
      choosesNone('c'),
      ...asksContainer('c'),
      maps('c'),
      unmaps('c'),
      unmapsAll('c'),
      unmapsAllByFlag('c'),
      invalidates('c'),
      updates('c'),
      ...tracks('c'),
      resets('d'),
      asksDevice('d'),
    ],
  },
  {
    id: 'duplicates',
    about: 'Container, group and device, each with a duplicate of its descriptor.',
    slots: { g: single },
    ops: memories,
    steps: [
      ...basic,
      duplicates('c', 'c_twin'),
      duplicates('g', 'g_twin'),
      ...closes('c_twin', 'g_twin'),
      chooses('c', v2),
      unmapsAll('c_twin'),
      asksStatus('g_twin'),
    ],
  },
  {
    id: 'two_groups',
    about: 'A container with two groups, and a device of one of them.',
    slots: { g: single, h: single },
    ops: [...memories, openContainer('c')],
    steps: [
      opensGroup('g'),
      opensGroup('h'),
      opensDevice('g', 'd'),
      ...closes('g', 'h', 'd'),
      ...attaches('g', 'c'),
      ...attaches('h', 'c').slice(0, 2),
      chooses('c', v2),
      maps('c'),
      unmapsAll('c'),
      invalidates('c'),
      ...tracks('c').slice(0, 2),
    ],
  },
  {
    id: 'two_containers',
    about: 'Two containers between which two groups go to and fro.',
    slots: { g: single, h: single },
    ops: [...memories, openContainer('k')],
    steps: [
      opensContainer('c'),
      opensGroup('g'),
      opensGroup('h'),
      ...closes('c', 'g', 'h'),
      ...attaches('g', 'c', 'k'),
      ...attaches('h', 'c', 'k'),
      chooses('c', v1),
      chooses('k', v2),
      unmapsAll('c'),
      unmapsAll('k'),
    ],
  },
  {
    id: 'two_devices',
    about: 'A group of two devices, whose drivers come and go.',
    slots: { g: multi },
    changes: [{ slot: 'g' }],
    ops: memories,
    steps: [
      ...basic,
      opensDevice('g', 'e', 1),
      ...closes('e'),
      chooses('c', v2),
      unmapsAll('c'),
      ...drives('g', 0),
      ...drives('g', 1),
    ],
  },
  {
    id: 'not_viable',
    about: 'A group with a device that is bound to a host driver, and unbound.',
    slots: { g: notViable },
    changes: [{ slot: 'g' }],
    ops: memories,
    steps: [...basic, chooses('c', v2), maps('c'), unmapsAll('c'), ...drives('g', 'bound_to_host_driver')],
  },
  {
    id: 'orphan',
    about: 'A group that loses its only device while it is open, and its successor.',
    slots: { g: single },
    changes: [{ slot: 'g' }],
    ops: memories,
    steps: [
      ...basic,
      opensGroup('g', 'n'),
      opensDevice('n', 'e', 0, 'g'),
      ...closes('n', 'e'),
      ...attaches('n', 'c'),
      chooses('c', v2),
      unmapsAll('c'),
      ...drives('g', 0),
    ],
  },
  {
    id: 'processes',
    about: 'Two processes that share descriptors, and do not share memory.',
    slots: { g: single },
    ops: [...memories, openContainer('c')],
    steps: [
      opensGroup('g'),
      opensDevice('g', 'd'),
      ...closes('g', 'd'),
      ...attaches('g', 'c'),
      chooses('c', v2),
      maps('c'),
      unmapsAll('c'),
      step('fork', { op: 'fork', as: 'child' }),
      ...by('child', [...closes('g', 'd'), maps('c'), unmapsAll('c'), step('exit', { op: 'exit' })]),
    ],
  },
  {
    id: 'transfers',
    about: 'What reaches memory while descriptors and mappings come and go.',
    slots: { g: single },
    ops: memories,
    steps: [...basic, chooses('c', v2), maps('c'), unmapsAll('c'), ...masters('d'), transfers('d')],
  },
  {
    id: 'reset',
    about: 'A device that can be reset, through two descriptors.',
    slots: { g: resettable },
    ops: memories,
    steps: [
      ...basic,
      chooses('c', v2),
      opensDevice('g', 'e'),
      ...closes('e'),
      ...masters('d'),
      resets('d'),
      resets('e'),
      asksDevice('d'),
    ],
  },
];

const byLayout = {
  version_first: [...plainStages, ...nestingStages('version_first')],
  argsz_first: [...plainStages, ...nestingStages('argsz_first')],
};

/** The worlds that the suite tours, each small enough to be seen whole; those of guest tables only if there is BIND. */
export function stagesOf({ parameters }: Pick<Contract, 'parameters'>): readonly Stage[] {
  return parameters.bind === 'absent' ? plainStages : byLayout[layoutOf(parameters)];
}
