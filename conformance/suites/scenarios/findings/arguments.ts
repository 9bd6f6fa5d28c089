import type { Op } from '../../../../spec/uapi/vocabulary.ts';
import { allocPasid, cutOff } from '../../../programs/nesting-ops.ts';
import { single } from '../../suite.ts';
import {
  alone,
  by,
  definedForUnallocated,
  emulated,
  guestMemory,
  inContainer,
  join,
  mediated,
  nestingContainer,
  OTHER,
  PASID,
  platform,
  type Requests,
  reach,
  readyDevice,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

const HEADER = 8;
const WHOLE = 80;

/** One container with a group that has no device to transfer with. */
const requestsOnly: Op[] = [...nestingContainer(), allocPasid('c', 'pasid', PASID, PASID)];

/** What BIND looks at in its argument, and what it does not. */
export const argumentScenarios = ({ bind, unbind }: Requests): Scenario[] => [
  {
    id: 'findings/v1_argsz_of_the_header_is_enough',
    about: 'With an argsz of 8 the data is read all the same.',
    ops: [...alone, bind({ argsz: HEADER }), reach('d'), unbind({ argsz: HEADER }), reach('d', 1)],
  },
  {
    id: 'findings/v1_data_that_argsz_does_not_name',
    about: 'An argsz of 8 that is honoured at the end of a page: the data behind it cannot be read.',
    ops: [...alone, cutOff(bind({ argsz: HEADER }), HEADER), cutOff(unbind({ argsz: HEADER }), HEADER), reach('d')],
  },
  {
    id: 'findings/v1_argsz_beyond_the_struct',
    about: 'An argsz beyond what the struct has reads nothing more.',
    ops: [...alone, cutOff(bind({ argsz: 0xffffffff }), WHOLE), reach('d'), cutOff(unbind({ argsz: 4096 }), WHOLE)],
  },
  {
    id: 'findings/v2_unknown_flags_of_bind',
    about: 'Flags that BIND does not know do not matter.',
    ops: [
      ...alone,
      bind({ flags: 0x5 }),
      reach('d'),
      unbind({ flags: 0x80000002 }),
      reach('d', 1),
      bind({ flags: 0x80000001 }),
      reach('d', 2),
      unbind({ flags: 0x6 }),
      reach('d', 3),
    ],
  },
  {
    id: 'findings/v3_no_flag_or_both',
    about: 'Neither flag, or both: EINVAL, but only after the data was read.',
    ops: [
      ...alone,
      bind({ flags: 0 }),
      bind({ flags: 3 }),
      bind({ flags: 4 }),
      cutOff(bind({ flags: 0 }), WHOLE - 1),
      cutOff(bind({ flags: 3 }), HEADER + 4),
      reach('d'),
    ],
  },
  {
    id: 'findings/v4_later_version_of_bind',
    about: 'What BIND and UNBIND answer to a version of the data that is not there yet; the older binding stays.',
    when: ({ size_table: lookup }) => lookup === '2020-03-25',
    ops: [
      ...alone,
      bind(),
      bind({ version: 2 }),
      bind({ version: 0x7fffffff }),
      unbind({ version: 2 }),
      reach('d'),
      unbind(),
    ],
  },
  {
    id: 'findings/v3_no_flag_and_a_later_version',
    about: 'Flags are looked at after the version, too.',
    when: ({ size_table: lookup }) => lookup === '2020-03-25',
    ops: [...requestsOnly, bind({ flags: 0, version: 2 }), bind({ flags: 3, version: 2 })],
  },
  {
    id: 'findings/v8_unbind_ignores_what_it_reads',
    about: 'UNBIND needs all of the data, but of it only version and PASID.',
    ops: [
      ...alone,
      bind(),
      cutOff(unbind(), WHOLE - 1),
      reach('d'),
      unbind({ format: 99, data_flags: 0xfe, gpgd: 1n << 60n, addr_width: 1, padding_0: 1, vtd_flags: 0xff }),
      reach('d', 1),
    ],
  },
  {
    id: 'findings/v8_unbind_without_table',
    about: 'UNBIND names no table: its address and width do not matter.',
    ops: [...alone, bind(), unbind({ gpgd: (1n << 64n) - 1n, addr_width: 0, gpasid: 9, pat: 1, emt: 1 }), reach('d')],
  },
  ...Object.entries({
    padding: { padding_4: 1 },
    data_flags: { data_flags: 0x2 },
    high_data_flags: { data_flags: 1n << 63n },
    vtd_flags: { vtd_flags: 0x40 },
    pat: { pat: 0xffffffff, emt: 0xffffffff },
  }).map(
    ([name, fields]): Scenario => ({
      id: `findings/v9_unknown_${name}`,
      about: 'Bits of the data that nobody gave a meaning to.',
      ops: [...alone, bind(fields), reach('d'), unbind()],
    }),
  ),
  ...['VFIO_TYPE1_IOMMU', 'VFIO_TYPE1v2_IOMMU'].map(
    (type, i): Scenario => ({
      id: `findings/v10_container_of_type1${i === 0 ? '' : '_v2'}`,
      about: 'BIND in a container that is not of the nesting type.',
      ops: [
        ...nestingContainer('c', 'g', type),
        allocPasid('c', 'pasid', PASID, PASID),
        ...guestMemory(),
        ...readyDevice('g', 'd'),
        bind(),
        reach('d'),
        unbind(),
        reach('d', 1),
      ],
    }),
  ),
  {
    id: 'findings/v11_pasid_of_another_process',
    about: 'BIND of a PASID that another process has.',
    slots: { g: single, h: single },
    ops: [
      ...nestingContainer(),
      allocPasid('c', 'pasid', PASID, PASID),
      { op: 'fork', as: 'child' },
      ...by('child', [...nestingContainer('k', 'h'), inContainer('k', bind()), inContainer('k', unbind())]),
      bind(),
    ],
  },
  {
    id: 'findings/v11_pasid_that_another_process_bound',
    about: 'The same while that process has it bound: in its container nothing changes.',
    slots: { g: single, h: single },
    ops: [
      ...alone,
      bind(),
      { op: 'fork', as: 'child' },
      ...by('child', [...nestingContainer('k', 'h'), inContainer('k', bind()), inContainer('k', unbind())]),
      reach('d'),
      unbind(),
    ],
  },
  {
    id: 'findings/v12_pasid_that_nobody_has',
    about: 'BIND of a PASID that nobody allocated.',
    when: definedForUnallocated,
    ops: [...alone, bind({ pasid: OTHER }), reach('d', 0, OTHER), unbind({ hpasid: OTHER }), bind(), reach('d', 1)],
  },
  {
    id: 'findings/v13_platform_device',
    about: 'A device that is no PCI function answers 524, a number that user space does not know.',
    slots: { g: platform },
    ops: [...requestsOnly, bind(), unbind()],
  },
  {
    id: 'findings/v13_mediated_device',
    about: 'A mediated device: whether the function behind it is bound.',
    slots: { g: mediated },
    ops: [...alone, bind(), reach('d'), unbind(), reach('d', 1)],
  },
  {
    id: 'findings/v13_emulated_device',
    about: 'A mediated device without any IOMMU beside one that can be bound.',
    slots: { g: single, h: emulated },
    ops: [
      ...nestingContainer(),
      allocPasid('c', 'pasid', PASID, PASID),
      ...guestMemory(),
      ...join('h'),
      ...readyDevice('g', 'd'),
      bind(),
      reach('d'),
    ],
  },
];
