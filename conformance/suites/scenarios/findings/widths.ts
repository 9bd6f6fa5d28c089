import { map } from '../../../programs/build.ts';
import { guestTables, tableMemory } from '../../../programs/guest-tables.ts';
import { allocPasid, freePasid } from '../../../programs/nesting-ops.ts';
import { alone, PASID, RAM, type Requests, reach, TABLES, virtualPage } from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

const PAGE = 4096;
const HIGH = 2 ** 32 + TABLES;
/** A PASID that has the low 16 bits of the other one. */
const ALIKE = PASID + 2 ** 16;

/** Tables above 4 GiB, where those of `alone` are below: what devices write comes out at another page. */
const highTables = guestTables({
  memory: 'high',
  base: HIGH,
  pages: [{ address: virtualPage(4), to: RAM + 6 * PAGE }],
});

/** Values of which an implementation may keep too few bits, and ops that tell which bits were used. */
export const widthScenarios = ({ bind, unbind }: Requests): Scenario[] => [
  {
    id: 'findings/width_of_gpgd',
    about: 'A guest table above 4 GiB is walked there, not at the address of its low 32 bits.',
    ops: [
      ...alone,
      tableMemory('high', highTables.count),
      ...highTables.ops,
      map('c', HIGH, 'high', 0, highTables.count),
      bind({ root: HIGH }),
      reach('d'),
    ],
  },
  {
    id: 'findings/width_of_hpasid',
    about:
      'Two PASIDs whose low 16 bits are the same have tables of their own, and one can be unbound and freed alone.',
    ops: [
      ...alone,
      allocPasid('c', 'alike', ALIKE, ALIKE),
      tableMemory('high', highTables.count),
      ...highTables.ops,
      map('c', HIGH, 'high', 0, highTables.count),
      bind(),
      reach('d', 0, ALIKE),
      bind({ pasid: ALIKE, root: HIGH }),
      reach('d', 1),
      reach('d', 2, ALIKE),
      unbind({ hpasid: ALIKE }),
      reach('d', 3),
      reach('d', 4, ALIKE),
      freePasid('c', ALIKE),
      unbind(),
      reach('d', 5),
    ],
  },
  ...Object.entries({ '31': 2n ** 31n, '32': 2n ** 32n + 7n }).map(
    ([bits, gpasid]): Scenario => ({
      id: `findings/width_of_gpasid_beyond_${bits}_bits`,
      about: 'A second BIND with the same guest PASID, of which the first driver has kept an int.',
      ops: [
        ...alone,
        bind({ data_flags: 1, gpasid }),
        bind({ data_flags: 1, gpasid }),
        reach('d'),
        unbind(),
        reach('d', 1),
        unbind(),
        reach('d', 2),
      ],
    }),
  ),
];
