import type { IoctlOp, Op } from '../../../../spec/uapi/vocabulary.ts';
import { openContainer, openGroup, setContainer } from '../../../programs/build.ts';
import { allocPasid, freePasid } from '../../../programs/nesting-ops.ts';
import { single } from '../../suite.ts';
import { emulated, nestingContainer, OTHER, PASID, type Requests, withoutPasid } from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

/** What the ioctls return by situation: each of PASID_REQUEST (ALLOC and FREE), BIND, UNBIND and CACHE_INVALIDATE. */
export function situationScenarios({ bind, unbind, flush }: Requests): Scenario[] {
  /** Each request with the same fields replaced. */
  const each = (fields: { argsz?: number; flags?: number }): IoctlOp[] => [
    allocPasid('c', 'some', OTHER, OTHER, fields),
    freePasid('c', OTHER, fields),
    bind(fields),
    unbind(fields),
    flush(fields),
  ];
  const ready: Op[] = [...nestingContainer(), allocPasid('c', 'pasid', PASID, PASID)];
  return [
    {
      id: 'findings/situation_before_set_iommu',
      about: 'Before SET_IOMMU the ioctls of the series are unknown.',
      ops: [openContainer('c'), ...each({}), openGroup('g', 'g'), setContainer('g', 'c'), ...each({})],
    },
    {
      id: 'findings/situation_argsz_too_small',
      about: 'An argsz below the header.',
      ops: [...ready, ...each({ argsz: 7 }), ...each({ argsz: 0 })],
    },
    {
      id: 'findings/situation_unknown_flag',
      about: 'A flag that nobody knows beside the one that is asked for.',
      ops: [
        ...ready,
        allocPasid('c', 'some', OTHER, OTHER, { flags: 5 }),
        freePasid('c', PASID, { flags: 6 }),
        bind({ flags: 5 }),
        unbind({ flags: 6 }),
        flush({ flags: 4 }),
      ],
    },
    { id: 'findings/situation_no_flag', about: 'No flag at all.', ops: [...ready, bind(), ...each({ flags: 0 })] },
    { id: 'findings/situation_both_flags', about: 'Both flags.', ops: [...ready, bind(), ...each({ flags: 3 })] },
    {
      id: 'findings/situation_no_domain',
      about: 'A container without any IOMMU domain.',
      slots: { g: emulated },
      ops: [...nestingContainer(), ...each({})],
    },
    {
      id: 'findings/situation_ordinary',
      about: 'Each request by itself; under a driver without hooks they fail.',
      ops: [...ready, ...each({})],
    },
    {
      id: 'findings/situation_later_version',
      about: 'A version of the data that is not there yet.',
      when: ({ size_table: lookup }) => lookup === '2020-03-25',
      ops: [...ready, bind({ version: 2 }), unbind({ version: 2 }), flush({ version: 2 })],
    },
    {
      id: 'findings/situation_device_without_pasids',
      about: 'A device that cannot send PASIDs.',
      slots: { g: withoutPasid },
      ops: [...ready, ...each({})],
    },
    {
      id: 'findings/situation_group_has_left',
      about: 'After the last group left the container.',
      slots: { g: single },
      ops: [...ready, bind(), { op: 'close', fd: 'g' }, ...each({})],
    },
  ];
}
