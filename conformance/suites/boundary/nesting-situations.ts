import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Machine, Name, Op, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  busMaster,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
  unmapAll,
} from '../../programs/build.ts';
import {
  allocPasid,
  bindTable,
  type DataLayout,
  taggedIn,
  taggedOut,
  unbindTable,
} from '../../programs/nesting-ops.ts';
import {
  attach,
  behindAnother,
  emulated,
  fourLevelMachine,
  GUEST,
  guestMemory,
  mapGuest,
  mediated,
  NESTING,
  narrow,
  nestingMachine,
  platform,
  ROOT,
  withoutPasid,
} from '../../programs/nesting-setup.ts';
import { multi, single } from '../suite.ts';
import type { Situation } from './situation.ts';

/** The ioctls of the 2020 nesting series, and the ioctls that behave otherwise where those are present. */
const requests = Object.keys(uapi.ioctls).filter((name) => uapi.ioctls[name]!.feature);
const questions = ['VFIO_CHECK_EXTENSION', 'VFIO_SET_IOMMU', 'VFIO_IOMMU_GET_INFO'];
const only = [...questions, ...requests];

const base = { probe: 'container', fd: 'c', machine: nestingMachine, only } as const;
const container = { ...base, feature: 'bind' } as const;
const joining = {
  probe: 'group',
  fd: 'h',
  machine: nestingMachine,
  feature: 'bind',
  effort: 'ordinary',
  only: ['VFIO_GROUP_GET_STATUS', 'VFIO_GROUP_SET_CONTAINER', 'VFIO_GROUP_UNSET_CONTAINER'],
  witnesses: [setContainer('h', 'c')],
} as const satisfies Partial<Situation>;

/** A container whose groups are those of the slots, all with the same name. */
const attached = (slots: Record<Name, Slot>): Op[] => [openContainer('c'), ...attach('c', ...Object.keys(slots))];
const nested = (slots: Record<Name, Slot>): Op[] => [...attached(slots), setIommu('c', NESTING)];
/** The same with a PASID and the memory of a guest. */
const allocated = (slots: Record<Name, Slot>): Op[] => [
  ...nested(slots),
  allocPasid('c', 'pasid'),
  ...guestMemory,
  mapGuest('c'),
];
const device = [openDevice('g', 'g', 'd'), ...busMaster('d')];

/** States of containers on machines that nest; requests of the set-up are in the layout that the contract's driver takes. */
export function nestingSituations(layout: DataLayout): Situation[] {
  const pasid = { ref: 'pasid' };
  const bind: Op = bindTable('c', { pasid, root: ROOT }, layout);
  const bound = (slots: Record<Name, Slot>): Op[] => [...allocated(slots), bind];
  /** What a device reaches with the PASID, and whether that ends with UNBIND. */
  const reached: Op[] = [
    taggedIn('d', pasid, GUEST, 1),
    taggedOut('d', pasid, GUEST + 0x800, 1),
    unbindTable('c', pasid, {}, layout),
    unmapAll('c'),
  ];
  const unbound = (machine: Machine) => ({
    ...container,
    machine,
    only: requests,
    slots: { g: single },
    ops: [...allocated({ g: single }), ...device],
    witnesses: reached,
  });
  const briefly = (id: string, sentence: string, slots: Record<Name, Slot>): Situation[] => [
    { ...container, id: `n_${id}`, effort: 'essential', sentence, slots, ops: nested(slots) },
    {
      ...container,
      id: `n_${id}_bound`,
      effort: 'essential',
      only: requests,
      sentence: `${sentence} A table is bound.`,
      slots,
      ops: bound(slots),
      witnesses: [unbindTable('c', pasid, {}, layout), unmapAll('c')],
    },
  ];
  return [
    {
      ...base,
      id: 'n_c1',
      effort: 'ordinary',
      sentence: 'A group attached, no backend; the IOMMU nests.',
      slots: { g: single },
      ops: attached({ g: single }),
    },
    {
      ...container,
      id: 'n_c1_two_groups',
      effort: 'ordinary',
      sentence: 'Two groups attached, no backend; the IOMMU nests.',
      slots: { g: single, h: single },
      ops: attached({ g: single, h: single }),
    },
    {
      ...container,
      id: 'n_plain',
      sentence: 'Type 1 v2 backend on an IOMMU that nests.',
      slots: { g: single },
      ops: [...attached({ g: single }), setIommu('c', 'VFIO_TYPE1v2_IOMMU')],
    },
    {
      ...base,
      id: 'n_nothing',
      sentence: 'Nesting backend, no PASID.',
      slots: { g: single },
      ops: nested({ g: single }),
    },
    {
      ...unbound(nestingMachine),
      id: 'n_allocated',
      effort: 'pairs',
      sentence: 'Nesting backend, a PASID, nothing bound.',
    },
    { ...unbound(fourLevelMachine), id: 'n_allocated_four_levels', sentence: 'The same; the IOMMU walks four levels.' },
    {
      ...container,
      id: 'n_bound',
      effort: 'pairs',
      sentence: 'A guest table is bound, and there is one more PASID.',
      slots: { g: single },
      ops: [...bound({ g: single }), allocPasid('c', 'spare'), ...device],
      witnesses: reached,
    },
    ...briefly('two_groups', 'Two groups behind one IOMMU.', { g: single, h: single }),
    ...briefly('two_iommus', 'Two groups behind different IOMMUs.', { g: single, h: behindAnother }),
    ...briefly('two_devices', 'A group of two devices.', { g: multi }),
    ...briefly('platform', 'A device that is no PCI function.', { g: platform }),
    ...briefly('narrow', 'A device with PASIDs of 16 bits.', { g: narrow }),
    ...briefly('without_pasid', 'A device without PASIDs.', { g: withoutPasid }),
    ...briefly('mediated', 'A mediated device.', { g: mediated }),
    ...briefly('emulated', 'A mediated device without an IOMMU.', { g: emulated }),
    ...briefly('pci_and_emulated', 'A PCI function, and a mediated device without an IOMMU.', {
      g: single,
      h: emulated,
    }),
    {
      ...joining,
      id: 'ng_nothing',
      sentence: 'Container of the nesting type in which nothing is bound.',
      slots: { g: single, h: single },
      ops: [...allocated({ g: single }), openGroup('h', 'h')],
    },
    {
      ...joining,
      id: 'ng_bound',
      sentence: 'Container in which a guest table is bound.',
      slots: { g: single, h: single },
      ops: [...bound({ g: single }), openGroup('h', 'h')],
    },
    {
      ...joining,
      id: 'ng_device_open',
      sentence: 'Container of the nesting type whose only device is open.',
      slots: { g: single, h: single },
      ops: [...nested({ g: single }), ...device, openGroup('h', 'h')],
    },
  ];
}
