import { uapi } from '../../../../spec/uapi/uapi.ts';
import { allocPasid } from '../../../programs/nesting-ops.ts';
import { single } from '../../suite.ts';
import {
  alone,
  driverFails,
  fiveLevels,
  join,
  nesting,
  OTHER,
  oneDomain,
  type Requests,
  reach,
  reachBoth,
  together,
  twoDomains,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

/** Flags of the VT-d part, each alone: requests, access flag, memory types. */
const hardwareFlags = Object.values(uapi.flags.gpasid_bind_vtd_flags!);

/** What a BIND that fails takes along. */
export const rollbackScenarios = ({ bind, unbind }: Requests): Scenario[] => [
  {
    id: 'findings/b1_duplicate',
    about: 'What a second BIND of the same PASID answers, what is left of the first, and how many UNBINDs it takes.',
    ops: [...alone, bind(), bind(), reach('d'), unbind(), reach('d', 1), unbind(), reach('d', 2)],
  },
  {
    id: 'findings/b1_duplicate_with_another_guest_pasid',
    about: 'The same with another guest PASID each time, which the first driver takes for another binding.',
    ops: [
      ...alone,
      bind({ data_flags: 1, gpasid: 7 }),
      bind({ data_flags: 1, gpasid: 8 }),
      reach('d'),
      unbind(),
      reach('d', 1),
      unbind(),
      reach('d', 2),
    ],
  },
  {
    id: 'findings/b1_duplicate_with_the_same_guest_pasid',
    about: 'The same with the same guest PASID.',
    ops: [...alone, bind({ data_flags: 1, gpasid: 7 }), bind({ data_flags: 1, gpasid: 7 }), reach('d'), unbind()],
  },
  {
    id: 'findings/b1_duplicate_with_a_guest_pasid_that_does_not_count',
    about: 'The same with a guest PASID whose flag is not set.',
    ops: [...alone, bind({ gpasid: 7 }), bind({ gpasid: 7 }), reach('d'), unbind(), reach('d', 1)],
  },
  {
    id: 'findings/b1_failure_takes_the_older_binding',
    about: 'A BIND that the driver fails tears down the older binding of its PASID, and no other.',
    ops: [
      ...alone,
      allocPasid('c', 'other', OTHER, OTHER),
      bind(),
      bind({ pasid: OTHER }),
      driverFails(1),
      bind(),
      reach('d'),
      reach('d', 1, OTHER),
      unbind(),
    ],
  },
  {
    id: 'findings/b1_early_failure_keeps_the_older_binding',
    about: 'A BIND that fails before the driver is called leaves the older binding alone.',
    ops: [...alone, bind(), bind({ argsz: 7 }), bind({ flags: 0 }), bind({ flags: 3 }), reach('d'), unbind()],
  },
  ...Object.entries({
    format: { format: 2 },
    address_width: { addr_width: 40 },
    five_levels: { addr_width: 57 },
    table_too_high: { gpgd: 1n << 60n },
    supervisor_requests: { vtd_flags: 1 },
    memory_type: { vtd_flags: 4 },
  }).map(
    ([name, fields]): Scenario => ({
      id: `findings/b2_${name}`,
      about: 'A BIND of an unfit table, and what is left of the older binding of its PASID.',
      ops: [...alone, bind(), bind(fields), reach('d'), unbind()],
    }),
  ),
  {
    id: 'findings/b2_unfit_from_the_start',
    about: 'Unfit tables are not bound.',
    ops: [
      ...alone,
      ...[{ format: 0 }, { addr_width: 0 }, { addr_width: 49 }, { gpgd: 1n << 39n }, { vtd_flags: 2 }].flatMap(
        (fields, i) => [bind(fields), reach('d', i), unbind()],
      ),
      bind({ gpgd: (1n << 39n) - 4096n }),
      unbind(),
    ],
  },
  ...Object.entries({ four_levels: nesting, five_levels: fiveLevels }).map(
    ([name, machine]): Scenario => ({
      id: `findings/b2_flags_and_widths_on_${name}`,
      about: 'What of a table the IOMMU must be able to do.',
      machine,
      ops: [
        ...alone,
        ...[...hardwareFlags.map((flag) => ({ vtd_flags: flag })), { addr_width: 57 }].flatMap((fields) => [
          bind(fields),
          unbind(),
        ]),
        bind(),
        reach('d'),
      ],
    }),
  ),
  {
    id: 'findings/b3_rollback_of_a_long_pasid',
    about: 'A PASID beyond 32 bits is refused, and the rollback names its low 32 bits.',
    ops: [...alone, bind(), bind({ pasid: 0x1_0000_0005n }), reach('d'), unbind()],
  },
  {
    id: 'findings/b3_pasids_out_of_range',
    about: 'PASIDs that no device can send are refused.',
    ops: [...alone, bind({ pasid: 0 }), bind({ pasid: 0x100000 }), bind({ pasid: 0xffffffff }), bind(), reach('d')],
  },
  {
    id: 'findings/b4_bind_again_with_a_new_group',
    about: 'BIND again after a group came to the domain: no way to extend a binding.',
    slots: oneDomain,
    ops: [...together([bind()]), bind(), ...reachBoth(), unbind(), ...reachBoth(1)],
  },
  {
    id: 'findings/b4_bind_again_with_a_new_domain',
    about: 'The same with a group behind another IOMMU.',
    slots: twoDomains,
    ops: [...together([bind()]), bind(), ...reachBoth(), unbind(), ...reachBoth(1)],
  },
  {
    id: 'findings/b4_rollback_stops_in_its_domain',
    about: 'A rollback that fails for a newer group leaves the older ones of its domain, and undoes other domains.',
    slots: { g: { ...single, iommu: 1 }, h: single, i: single },
    ops: [
      ...together([bind()]),
      ...join('i'),
      driverFails(1),
      driverFails(2),
      driverFails(3),
      bind(),
      ...reachBoth(),
      unbind(),
    ],
  },
  {
    id: 'findings/b5_rollback_fails',
    about: 'What the rollback fails to undo stays bound, and nobody says so.',
    slots: oneDomain,
    ops: [...together(), driverFails(2), driverFails(3), bind(), ...reachBoth()],
  },
  ...['ENOENT', 'EINVAL', 'EBUSY'].map(
    (errno): Scenario => ({
      id: `findings/b5_rollback_after_${errno.toLowerCase()}`,
      about: 'The group that was bound is undone whichever errno the other one answers.',
      slots: oneDomain,
      ops: [...together(), driverFails(2, errno), bind(), ...reachBoth(), unbind()],
    }),
  ),
  {
    id: 'findings/b5_rollback_of_a_part',
    about: 'The group that was bound is undone, whatever the other one answers.',
    slots: oneDomain,
    ops: [...together(), driverFails(2), bind(), ...reachBoth(), unbind()],
  },
];
