import type { Contract } from '../../../reference/interpreter/contract.ts';
import type { OpenFileDescription } from '../../../reference/state/state.ts';
import type { Change, Environment, Name, Op, Program, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  close,
  invalidateVaddr,
  ioctlValue,
  map,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
  unmapAll,
} from '../../programs/build.ts';
import { Rehearsal } from '../../programs/rehearsal.ts';
import { multi, single } from '../suite.ts';
import { deciding } from './stage.ts';
import { asksInfo, asksStatus, IOVA, maps, memories, tracks } from './steps.ts';

/** Something that is held, and what lets go of it, in as many orders as there are. */
export interface Holding {
  id: string;
  /** One sentence. */
  about: string;
  slots: Record<Name, Slot>;
  changes?: Change[];
  /** Makes what is held. */
  ops: Op[];
  /** What lets go, by a word for it. The ops of one word are alike, so that their order among each other makes no difference. */
  ends: Record<string, Op[]>;
}

const v1 = 'VFIO_TYPE1_IOMMU';
const v2 = 'VFIO_TYPE1v2_IOMMU';

const dup = (fd: Name, as: Name): Op => ({ op: 'dup', fd, as });
const unset = (group: Name): Op => ioctlValue(group, 'VFIO_GROUP_UNSET_CONTAINER', 0);
const fork: Op = { op: 'fork', as: 'child' };
const exit: Op = { op: 'exit', actor: 'child' };

const closed = (...fds: Name[]): Record<string, Op[]> => Object.fromEntries(fds.map((fd) => [fd, [close(fd)]]));

const attached = [openContainer('c'), openGroup('g', 'g'), setContainer('g', 'c')];
const mapped = (type: string): Op[] => [...attached, setIommu('c', type), map('c', IOVA, 'ram', 0, 1)];
const ready: Op[] = [...mapped(v2), openDevice('g', 'g', 'd')];

/** Everything that can be held, with what lets go of it. */
export const holdings: Holding[] = [
  {
    id: 'duplicates',
    about: 'Container, group and device, each through two descriptors of one description.',
    slots: { g: single },
    ops: [...ready, dup('c', 'c_twin'), dup('g', 'g_twin'), dup('d', 'd_twin')],
    ends: {
      c: [close('c'), close('c_twin')],
      g: [close('g'), close('g_twin')],
      d: [close('d'), close('d_twin')],
    },
  },
  {
    id: 'unset',
    about: 'A group that leaves its container by UNSET_CONTAINER while its descriptors are closed one by one.',
    slots: { g: single },
    ops: [...ready, openDevice('g', 'g', 'e')],
    ends: { c: [close('c')], g: [close('g')], d: [close('d'), close('e')], unset: [unset('g')] },
  },
  {
    id: 'type1',
    about: 'A container with the first type of backend.',
    slots: { g: single },
    ops: [...mapped(v1), openDevice('g', 'g', 'd')],
    ends: closed('c', 'g', 'd'),
  },
  {
    id: 'without_backend',
    about: 'A container without a backend, and its group, each through two descriptors.',
    slots: { g: single },
    ops: [...attached, dup('c', 'c_twin'), dup('g', 'g_twin')],
    ends: { c: [close('c'), close('c_twin')], g: [close('g'), close('g_twin')] },
  },
  {
    id: 'invalidated',
    about: 'A mapping whose virtual address is invalidated.',
    slots: { g: single },
    ops: [...ready, invalidateVaddr('c', IOVA, 1)],
    ends: closed('c', 'g', 'd'),
  },
  {
    id: 'tracking',
    about: 'A container that tracks dirty pages.',
    slots: { g: single },
    ops: [...ready, deciding(tracks('c')[0]!)],
    ends: closed('c', 'g', 'd'),
  },
  {
    id: 'two_devices',
    about: 'Both devices of one group.',
    slots: { g: multi },
    ops: [...ready, { op: 'open', what: 'device', group: 'g', slot: 'g', device: 1, as: 'e' }],
    ends: closed('c', 'g', 'd', 'e'),
  },
  {
    id: 'two_groups',
    about: 'Two groups in one container, and a device of one.',
    slots: { g: single, h: single },
    ops: [...ready, openGroup('h', 'h'), setContainer('h', 'c')],
    ends: closed('c', 'g', 'd', 'h'),
  },
  {
    id: 'two_groups_unset',
    about: 'Two groups in one container, which leave it by UNSET_CONTAINER.',
    slots: { g: single, h: single },
    ops: [...ready, openGroup('h', 'h'), setContainer('h', 'c')],
    ends: { ...closed('c', 'd'), unset_g: [unset('g')], unset_h: [unset('h')] },
  },
  {
    id: 'child',
    about: 'A child that inherited every descriptor, and ends.',
    slots: { g: single },
    ops: [...ready, fork],
    ends: { ...closed('c', 'g', 'd'), exit: [exit] },
  },
  {
    id: 'heir',
    about: 'A child that holds alone what it inherited, and lets go of it.',
    slots: { g: single },
    ops: [...ready, fork, close('c'), close('g'), close('d')],
    ends: {
      c: [{ ...close('c'), actor: 'child' }],
      g: [{ ...close('g'), actor: 'child' }],
      d: [{ ...close('d'), actor: 'child' }],
    },
  },
  {
    id: 'driver',
    about: 'A group whose device is taken from its driver.',
    slots: { g: single },
    changes: [{ slot: 'g' }],
    ops: mapped(v2),
    ends: { ...closed('c', 'g'), unbind: [{ op: 'unbind_driver', slot: 'g', device: 0 }] },
  },
];

/** One page of locked memory, so that a second one shows whether the first was given back; another container asks. */
const witness: Op[] = [
  { op: 'drop_capability', capability: 'ipc_lock' },
  { op: 'rlimit', resource: 'memlock', value: 4096 },
  openContainer('k'),
  openGroup('w', 'w'),
  setContainer('w', 'k'),
  setIommu('k', v2),
];

const withWitness = (slots: Record<Name, Slot>): Record<Name, Slot> => ({ ...slots, w: single });

/** The groups that the programs ask for. */
export const closingSlots = holdings.map(({ slots }) => withWitness(slots));

/**
 * Every order in which what is held can be let go of. After each step the groups, the container and the locked memory are
 * looked at.
 */
export function* closingOrders(
  contract: Contract,
  environment: Environment,
  { id, about, slots: own, changes, ops, ends }: Holding,
): Iterable<Program> {
  const slots = withWitness(own);
  for (const order of ordersOf(ends)) {
    const rehearsal = new Rehearsal(contract, environment, slots);
    for (const op of [...memories, ...witness, ...ops]) rehearsal.perform(op);
    const whole = order.every(({ op }) => {
      if (!rehearsal.possible(op) || rehearsal.perform(op) === 'left out') return false;
      look(rehearsal, Object.keys(own));
      return true;
    });
    if (!whole) continue;
    yield {
      id: `lifecycle/closing/${id}_${order.map(({ word }) => word).join('_')}`,
      about,
      topology: { slots },
      ...(changes && { changes }),
      ops: rehearsal.ops,
    };
  }
}

/** Asks what is still there, and changes nothing. */
function look(rehearsal: Rehearsal, slots: readonly Name[]): void {
  const seen = new Set<OpenFileDescription['object']>();
  for (const { name: actor, names, descriptors } of rehearsal.processes) {
    for (const [name, number] of names) {
      const { object } = descriptors.get(number)!;
      if (name === 'k' || name === 'w' || seen.has(object)) continue;
      seen.add(object);
      if (object.kind === 'group') rehearsal.perform({ ...deciding(asksStatus(name)), actor });
      if (object.kind !== 'container') continue;
      // Mapping again is refused because of the mapping, or because there is no backend any more.
      const question = object.backend?.mappings.size === 0 ? asksInfo(name) : maps(name);
      rehearsal.perform({ ...deciding(question), actor });
    }
  }
  for (const slot of slots) {
    if (rehearsal.perform(openGroup(slot, 'again')) !== 'done') continue;
    rehearsal.perform(deciding(asksStatus('again')));
    rehearsal.perform(close('again'));
  }
  if (rehearsal.perform(deciding(maps('k'))) === 'done') rehearsal.perform(unmapAll('k'));
}

/** All orders of the ops, those of one word keeping theirs among each other. */
function* ordersOf(ends: Record<string, readonly Op[]>): Iterable<{ word: string; op: Op }[]> {
  const words = Object.keys(ends).filter((word) => ends[word]!.length > 0);
  if (words.length === 0) yield [];
  for (const word of words) {
    const [op, ...rest] = ends[word]!;
    for (const order of ordersOf({ ...ends, [word]: rest })) yield [{ word, op: op! }, ...order];
  }
}
