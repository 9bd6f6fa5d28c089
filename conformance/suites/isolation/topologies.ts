import type { Actor, Change, Name, Op, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  close,
  ioctlNone,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../../programs/build.ts';
import {
  allocPasid,
  bindTable,
  cache,
  type DataLayout,
  freePasid,
  invalidate,
  unbindTable,
} from '../../programs/nesting-ops.ts';
import { attach, behindAnother, NESTING } from '../../programs/nesting-setup.ts';
import { multi, single } from '../suite.ts';
import { arm, GUEST, type IsolationGuest, isolationGuestOf } from './isolation-guest.ts';

/** Devices, who opens them, and what can be done to the containers that they are in. */
export interface IsolationTopology {
  id: string;
  /** One sentence. */
  about: string;
  slots: Record<Name, Slot>;
  changes?: Change[];
  /** Set-up: a guest table is bound, and the devices are open. */
  ops: Op[];
  /** Devices that are probed, and the process that has them. */
  devices: { name: Name; actor?: Actor }[];
  /** By a word for it. */
  steps: Record<string, Op[]>;
}

/** The topologies; requests are in the layout that the contract's driver takes. */
export function topologies(layout: DataLayout): IsolationTopology[] {
  const p = { ref: 'p' };
  const bind = (c: Name, pasid: Name, root: number): Op => bindTable(c, { pasid: { ref: pasid }, root }, layout);
  const [guest, other] = [isolationGuestOf('c', 'guest', 0), isolationGuestOf('k', 'other', 100)];
  const nested = (groups: Name[]): Op[] => [
    openContainer('c'),
    ...attach('c', ...groups),
    setIommu('c', NESTING),
    ...guest.ops,
  ];
  const bound = [allocPasid('c', 'p'), bind('c', 'p', guest.first)];
  const open = (group: Name, as: Name, device = 0): Op[] => [
    { ...openDevice(group, group, as), device } as Op,
    ...arm(as),
  ];
  const leave = (group: Name, ...devices: Name[]): Op[] => [
    ...devices.map(close),
    ioctlNone(group, 'VFIO_GROUP_UNSET_CONTAINER'),
  ];

  /** What can be done to a container, whatever is in it. */
  const requests = (
    c: Name,
    { first, second, redirect, clear, unmapPage, replacePage }: IsolationGuest,
  ): Record<string, Op[]> => ({
    rebind: [bind(c, 'p', second)],
    unbind: [unbindTable(c, p, {}, layout)],
    bind_anew: [unbindTable(c, p, {}, layout), bind(c, 'p', second)],
    free: [freePasid(c, p)],
    allocate: [allocPasid(c, 'q')],
    second_pasid: [allocPasid(c, 'q'), bind(c, 'q', second)],
    renewed_pasid: [freePasid(c, p), allocPasid(c, 'p'), bind(c, 'p', first)],
    flush: [invalidate(c, { pasid: p }, layout)],
    flush_page: [invalidate(c, { pasid: p, addr: GUEST, leaf: true, cache: cache.iotlb | cache.device }, layout)],
    redirect: [redirect],
    clear: [clear],
    unmap: unmapPage,
    replace: replacePage,
  });

  return [
    {
      id: 'one_device',
      about: 'One device reaches with a PASID what its guest table and the mappings behind it say, and nothing else.',
      slots: { g: single },
      ops: [...nested(['g']), ...bound, ...open('g', 'd')],
      devices: [{ name: 'd' }],
      steps: {
        ...requests('c', guest),
        close_container: [close('c')],
        reopen: [close('d'), ...open('g', 'd')],
        leave: leave('g', 'd'),
        come_back: [
          ...leave('g', 'd'),
          setContainer('g', 'c'),
          setIommu('c', NESTING),
          ...guest.ops.filter(({ op }) => op === 'ioctl'),
          ...open('g', 'd'),
        ],
      },
    },
    {
      id: 'later_group',
      about: 'A group that joins the container of a bound device reaches nothing of what that device reaches.',
      slots: { g: single, h: single },
      ops: [...nested(['g']), ...bound, ...open('g', 'd'), openGroup('h', 'h')],
      devices: [{ name: 'd' }, { name: 'e' }],
      steps: {
        ...requests('c', guest),
        join: [setContainer('h', 'c'), ...open('h', 'e')],
        close_and_join: [close('d'), setContainer('h', 'c'), ...open('h', 'e')],
        leave: leave('g', 'd'),
      },
    },
    {
      id: 'two_groups',
      about: 'Two devices behind one IOMMU reach the same, until one of them leaves.',
      slots: { g: single, h: single },
      ops: [...nested(['g', 'h']), ...bound, ...open('g', 'd'), ...open('h', 'e')],
      devices: [{ name: 'd' }, { name: 'e' }],
      steps: { ...requests('c', guest), leave: leave('g', 'd'), second_leaves: leave('h', 'e') },
    },
    {
      id: 'two_iommus',
      about: 'Two devices behind different IOMMUs reach the same, until one of them leaves.',
      slots: { g: single, h: behindAnother },
      ops: [...nested(['g', 'h']), ...bound, ...open('g', 'd'), ...open('h', 'e')],
      devices: [{ name: 'd' }, { name: 'e' }],
      steps: { ...requests('c', guest), leave: leave('g', 'd'), second_leaves: leave('h', 'e') },
    },
    {
      id: 'group_of_two',
      about: 'Two devices of one group reach the same, until one of them loses its driver.',
      slots: { g: multi },
      changes: [{ slot: 'g' }],
      ops: [...nested(['g']), ...bound, ...open('g', 'd'), ...open('g', 'e', 1)],
      devices: [{ name: 'd' }, { name: 'e' }],
      steps: {
        ...requests('c', guest),
        unbind_driver: [close('e'), { op: 'unbind_driver', slot: 'g', device: 1 }],
        leave: leave('g', 'd', 'e'),
      },
    },
    {
      id: 'two_containers',
      about: 'A PASID of one process names a table of its own in each of two containers.',
      slots: { g: single, h: single },
      ops: [
        ...nested(['g']),
        ...bound,
        ...open('g', 'd'),
        openContainer('k'),
        ...attach('k', 'h'),
        setIommu('k', NESTING),
        ...other.ops,
        ...open('h', 'e'),
      ],
      devices: [{ name: 'd' }, { name: 'e' }],
      steps: {
        ...requests('c', guest),
        bind_there: [bind('k', 'p', other.first)],
        unbind_there: [unbindTable('k', p, {}, layout)],
        free_there: [freePasid('k', p)],
        flush_there: [invalidate('k', { pasid: p }, layout)],
        move: [...leave('h', 'e'), setContainer('h', 'c'), ...open('h', 'e')],
        leave: leave('g', 'd'),
        leave_there: leave('h', 'e'),
      },
    },
    {
      id: 'two_processes',
      about: 'Another process cannot reach anything with a PASID that it was not given.',
      slots: { g: single, h: single },
      ops: [
        ...nested(['g']),
        ...bound,
        ...open('g', 'd'),
        { op: 'fork', as: 'child' },
        ...by('child', [
          openContainer('k'),
          ...attach('k', 'h'),
          setIommu('k', NESTING),
          ...other.ops,
          ...open('h', 'e'),
        ]),
      ],
      devices: [{ name: 'd' }, { name: 'e', actor: 'child' }],
      steps: {
        ...requests('c', guest),
        leave: leave('g', 'd'),
        ...Object.fromEntries(
          Object.entries({
            bind_there: [bind('k', 'p', other.first)],
            free_there: [freePasid('k', p)],
            own_pasid: [allocPasid('k', 'q'), bind('k', 'q', other.second)],
            // The child has inherited the other container.
            unbind_ours: [unbindTable('c', p, {}, layout)],
            bind_ours: [bind('c', 'p', guest.second)],
            exit: [{ op: 'exit' } as Op],
          }).map(([word, ops]) => [word, by('child', ops)]),
        ),
      },
    },
  ];
}

const by = (actor: Actor, ops: readonly Op[]): Op[] => ops.map((op) => ({ ...op, actor }));
