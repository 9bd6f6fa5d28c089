import type { Name, Op, OpenOp, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  busMaster,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
  unmap,
  unmapAll,
} from '../../programs/build.ts';
import {
  allocPasid,
  bindTable,
  type DataLayout,
  freePasid,
  invalidate,
  nestingInfo,
  taggedIn,
  taggedOut,
  unbindTable,
} from '../../programs/nesting-ops.ts';
import {
  attach,
  behindAnother,
  GUEST,
  guestMemory,
  mapGuest,
  NESTING,
  nestingMachine,
  ROOT,
} from '../../programs/nesting-setup.ts';
import { multi, single } from '../suite.ts';
import type { Operation } from './operation.ts';

/** Slots, and the devices of their groups by name. */
const arrangements: { id: string; slots: Record<Name, Slot>; devices: OpenOp[] }[] = [
  { id: 'one_device', slots: { g: single }, devices: [openDevice('g', 'g', 'd')] },
  {
    id: 'group_of_two',
    slots: { g: multi },
    devices: [openDevice('g', 'g', 'd'), { op: 'open', what: 'device', group: 'g', slot: 'g', device: 1, as: 'e' }],
  },
  {
    id: 'two_groups',
    slots: { g: single, h: single },
    devices: [openDevice('g', 'g', 'd'), openDevice('h', 'h', 'e')],
  },
  {
    id: 'two_iommus',
    slots: { g: single, h: behindAnother },
    devices: [openDevice('g', 'g', 'd'), openDevice('h', 'h', 'e')],
  },
];

/** The ioctls of the 2020 nesting series, and others where guest tables are; the data are in the layout that the contract's driver takes. */
export function nestingOperations(layout: DataLayout): Operation[] {
  const pasid = { ref: 'p' };
  const bind = bindTable('c', { pasid, root: ROOT }, layout);
  const unbind = unbindTable('c', pasid, {}, layout);
  const alloc = allocPasid('c', 'p');
  const free = freePasid('c', pasid);

  return arrangements
    .flatMap(({ id, slots, devices }): Operation[] => {
      const names = devices.map(({ as }) => as);
      const joined: Op[] = [openContainer('c'), ...attach('c', ...Object.keys(slots))];
      const nested: Op[] = [...joined, setIommu('c', NESTING), ...guestMemory, mapGuest('c')];
      const open: Op[] = [...devices, ...names.flatMap(busMaster)];
      const allocated: Op[] = [...nested, ...open, alloc];
      const bound: Op[] = [...allocated, bind];
      let place = 0;
      /** Whether each device reaches what is bound: each writes to another place. */
      const reach = (): Op[] =>
        names.flatMap((name) => [
          taggedIn(name, pasid, GUEST, 8),
          taggedOut(name, pasid, GUEST + 0x800 + 8 * place++, 8),
        ]);
      const anew = (): Op[] => [bind, ...reach(), unbind, ...reach(), free];
      const operations: Omit<Operation, 'slots'>[] = [
        {
          id: 'alloc',
          before: [...nested, ...open],
          op: { ...allocPasid('c', 'p', 5, 5), save: [] },
          // The same number once more shows whether it was given, or lost.
          after: [allocPasid('c', 'again', 5, 5), alloc, ...anew()],
        },
        { id: 'free', before: allocated, op: free, after: [bind, ...reach(), free] },
        { id: 'free_bound', before: bound, op: free, after: [...reach(), free, alloc, ...anew()] },
        { id: 'bind', before: allocated, op: bind, after: [...reach(), ...anew()] },
        { id: 'unbind', before: bound, op: unbind, after: [...reach(), unbind, ...reach(), ...anew()] },
        { id: 'invalidate', before: bound, op: invalidate('c', { pasid }, layout), after: [...reach(), unbind] },
        {
          id: 'nesting_info',
          before: [...bound, memory('info', 1)],
          op: nestingInfo('c', 'info'),
          after: [nestingInfo('c', 'info')],
        },
        { id: 'map', before: bound, op: map('c', 0x80000, 'guest', 0, 1), after: [...reach(), unmapAll('c')] },
        { id: 'unmap', before: bound, op: unmap('c', ROOT, 6), after: [...reach(), unmapAll('c'), ...reach()] },
        { id: 'set_nesting', before: joined, op: setIommu('c', NESTING), after: [setIommu('c', NESTING), alloc] },
      ];
      return operations.map((one) => ({
        ...one,
        id: `${one.id}_${id}`,
        machine: nestingMachine,
        slots,
        allocations: 8,
      }));
    })
    .concat({
      id: 'join_bound',
      machine: nestingMachine,
      slots: { g: single, h: single },
      before: [openContainer('c'), ...attach('c', 'g'), setIommu('c', NESTING), alloc, bind, openGroup('h', 'h')],
      op: setContainer('h', 'c'),
      after: [setContainer('h', 'c'), unbind, setContainer('h', 'c')],
    });
}
