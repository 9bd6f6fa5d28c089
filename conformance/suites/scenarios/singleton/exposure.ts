import { extended } from '../../../../spec/uapi/emulated-machine.ts';
import type { Name, Op } from '../../../../spec/uapi/vocabulary.ts';
import {
  close,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../../../programs/build.ts';
import { readConfig, writeConfig } from '../../../programs/device-ops.ts';
import { multi, notViable, single } from '../../suite.ts';
import {
  join,
  leave,
  mediated,
  nestingContainer,
  oneDomain,
  shortPasid,
  twoDomains,
  withoutPasid,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

const BYTES = extended.end - extended.ats;
/** Reads the extended capabilities of a device; `nth` distinguishes readings. */
const show = (device: Name, nth = 0): Op => readConfig(device, extended.ats, BYTES, nth * BYTES);
const out = memory('out', 1);
const CONTROL = { ats: extended.ats + 6, pageRequest: extended.pageRequest + 4, pasid: extended.pasid + 6 };

/** Which capabilities a device shows, and when that is decided. */
export const exposureScenarios: Scenario[] = [
  ...Object.entries({ single, multi, mediated, without_pasid: withoutPasid, short_pasid: shortPasid }).map(
    ([name, g]): Scenario => ({
      id: `singleton/capabilities_of_${name}`,
      about: 'The extended capabilities that a device shows.',
      slots: { g },
      ops: [...nestingContainer(), out, openDevice('g', 'g', 'd'), show('d'), readConfig('d', 0xfc, 16, 0x100)],
    }),
  ),
  {
    id: 'singleton/capabilities_beside_a_host_driver',
    about: 'A device of a host driver that left the group counts, too.',
    slots: { g: notViable },
    changes: [{ slot: 'g' }],
    ops: [
      { op: 'unbind_driver', slot: 'g', device: 'bound_to_host_driver' },
      ...nestingContainer(),
      out,
      openDevice('g', 'g', 'd'),
      show('d'),
    ],
  },
  ...Object.entries({ one_domain: oneDomain, two_domains: twoDomains }).map(
    ([name, slots]): Scenario => ({
      id: `singleton/capabilities_of_two_groups_in_${name}`,
      about: 'The capabilities of devices of a container with two groups.',
      slots,
      ops: [
        ...nestingContainer(),
        ...join('h'),
        out,
        openDevice('g', 'g', 'd'),
        openDevice('h', 'h', 'e'),
        show('d'),
        show('e', 1),
      ],
    }),
  ),
  {
    id: 'singleton/capabilities_in_an_ordinary_container',
    about: 'The type of the container does not matter to what a device shows.',
    ops: [
      ...nestingContainer('c', 'g', 'VFIO_TYPE1v2_IOMMU'),
      out,
      openDevice('g', 'g', 'd'),
      show('d'),
      ...writeConfig('d', CONTROL.pasid, '0700'),
      show('d', 1),
    ],
  },
  {
    id: 'singleton/second_group_while_a_device_exposes_pasids',
    about: 'Whether a second group may come while an open device exposes its PASID capability.',
    slots: oneDomain,
    ops: [
      ...nestingContainer(),
      out,
      openDevice('g', 'g', 'd'),
      show('d'),
      ...join('h'),
      show('d', 1),
      openDevice('g', 'g', 'again'),
      show('again', 2),
      close('d'),
      close('again'),
      setContainer('h', 'c'),
      openDevice('g', 'g', 'd'),
      show('d', 3),
    ],
  },
  {
    id: 'singleton/second_group_in_an_ordinary_container',
    about: 'The same in a container that is not of the nesting type.',
    slots: oneDomain,
    ops: [
      ...nestingContainer('c', 'g', 'VFIO_TYPE1v2_IOMMU'),
      out,
      openDevice('g', 'g', 'd'),
      ...join('h'),
      show('d'),
      openDevice('h', 'h', 'e'),
      show('e', 1),
    ],
  },
  {
    id: 'singleton/second_group_leaves',
    about: 'What an open device shows stays as it was when it was first opened, until nobody has it open.',
    slots: oneDomain,
    ops: [
      ...nestingContainer(),
      ...join('h'),
      out,
      openDevice('g', 'g', 'd'),
      show('d'),
      leave('h'),
      show('d', 1),
      openDevice('g', 'g', 'again'),
      show('again', 2),
      close('d'),
      close('again'),
      openDevice('g', 'g', 'd'),
      show('d', 3),
    ],
  },
  {
    id: 'singleton/second_group_before_set_iommu',
    about: 'Two groups that are there at SET_IOMMU.',
    slots: oneDomain,
    ops: [
      openContainer('c'),
      ...join('g'),
      ...join('h'),
      setIommu('c', 'VFIO_TYPE1_NESTING_IOMMU'),
      out,
      openDevice('g', 'g', 'd'),
      show('d'),
      leave('h'),
      setIommu('c', 'VFIO_TYPE1_NESTING_IOMMU'),
      openDevice('g', 'g', 'd'),
      show('d', 1),
    ],
  },
  {
    id: 'singleton/plugged_device_hides_nothing_from_who_looks',
    about: 'A device that comes to the group is counted at the next first open.',
    changes: [{ slot: 'g' }],
    ops: [
      ...nestingContainer(),
      out,
      openDevice('g', 'g', 'd'),
      show('d'),
      { op: 'plug', slot: 'g' },
      show('d', 1),
      close('d'),
      openDevice('g', 'g', 'd'),
      show('d', 2),
    ],
  },
  {
    id: 'singleton/capabilities_cannot_be_written',
    about: 'Nobody switches ATS, PRI or PASID on or off by config space, or moves their capabilities.',
    ops: [
      ...nestingContainer(),
      out,
      openDevice('g', 'g', 'd'),
      ...Object.values(CONTROL).flatMap((at) => writeConfig('d', at, '0180')),
      ...writeConfig('d', extended.ats, '00000000'),
      ...writeConfig('d', extended.pasid + 4, 'ffff'),
      show('d'),
    ],
  },
  {
    id: 'singleton/capabilities_with_an_open_group_of_another_container',
    about: 'Groups of another container do not count.',
    slots: { g: single, h: single },
    ops: [
      ...nestingContainer(),
      ...nestingContainer('k', 'h'),
      out,
      openDevice('g', 'g', 'd'),
      show('d'),
      openDevice('h', 'h', 'e'),
      show('e', 1),
      openGroup('h', 'once_more'),
    ],
  },
];
