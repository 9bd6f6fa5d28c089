import { access, dmaIn, dmaOut, map, memory } from '../../../programs/build.ts';
import {
  type GuestTables,
  guestTables,
  type PageLevel,
  pageBytes,
  tableMemory,
} from '../../../programs/guest-tables.ts';
import { allocPasid, freePasid, MARK, mark, taggedIn, taggedOut } from '../../../programs/nesting-ops.ts';
import {
  alone,
  fiveLevels,
  guestMemory,
  nestingContainer,
  OTHER,
  PASID,
  RAM,
  type Requests,
  reach,
  readyDevice,
  shortPasid,
  TABLES,
  VIRTUAL,
  virtualPage,
  wholeRam,
  withoutPasid,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';
import { depths, tablesOf, withTables, writeAndRead } from './stage.ts';

const PAGE = 4096;
const sizes: [string, PageLevel][] = [
  ['4_kib', 1],
  ['2_mib', 2],
  ['1_gib', 3],
];
/** Pages of every size in tables of every depth. */
const sizeScenarios = ({ bind }: Requests): Scenario[] =>
  depths.flatMap(({ levels, machine }) =>
    sizes.map(([name, level]): Scenario => {
      const size = pageBytes[level];
      const inside = (0x12345000n % size) & ~0xfffn;
      const page = 3n * size;
      const start = (VIRTUAL / size) * size;
      const tables = tablesOf(levels, [
        { address: start, to: page, level },
        { address: start + size, to: page, level },
      ]);
      return {
        id: `guest_tables/page_of_${name}_in_${levels}_levels${levels === 4 && machine === fiveLevels ? '_of_5' : ''}`,
        about: 'A device with a PASID reads and writes through the tables of the guest.',
        machine,
        ops: [
          ...withTables(tables),
          memory('far', 1),
          mark('far', 0),
          map('c', page + inside, 'far', 0, 1),
          ...readyDevice('g', 'd', 1),
          bind({ levels }),
          ...writeAndRead(start + inside),
          taggedOut('d', PASID, start + size + inside + 128n, MARK),
        ],
      };
    }),
  );

/** What a device reaches by which address and which PASID. */
const addressScenarios = ({ bind, unbind }: Requests): Scenario[] => [
  {
    id: 'guest_tables/accessed_then_dirty',
    about: 'Reading sets the accessed bits on the way, writing also the dirty bit of the last entry.',
    ops: [
      ...alone,
      bind(),
      taggedIn('d', PASID, VIRTUAL, MARK),
      reach('d'),
      taggedIn('d', PASID, virtualPage(1), MARK),
    ],
  },
  {
    id: 'guest_tables/part_of_a_transfer',
    about: 'Of a transfer over several pages what cannot be translated is left out, and the rest goes on.',
    ops: [
      ...alone,
      dmaIn('d', RAM, PAGE),
      wholeRam.change(virtualPage(5), 1, 0n),
      bind(),
      taggedOut('d', PASID, virtualPage(5) - 32n, PAGE),
      taggedOut('d', PASID, virtualPage(6) - 32n, 64),
      taggedIn('d', PASID, virtualPage(5) - 8n, 16),
      dmaOut('d', RAM, MARK),
    ],
  },
  {
    id: 'guest_tables/scattered_pages',
    about: 'A transfer follows each page to where the guest has it.',
    ops: ((tables: GuestTables) => [
      ...withTables(tables),
      ...readyDevice('g', 'd'),
      dmaIn('d', RAM, 64),
      bind(),
      taggedOut('d', PASID, virtualPage(1) - 32n, 64),
    ])(
      tablesOf(4, [
        { address: VIRTUAL, to: RAM + 3 * PAGE },
        { address: virtualPage(1), to: RAM + 2 * PAGE },
      ]),
    ),
  },
  ...depths.slice(1).map(
    ({ levels, machine }): Scenario => ({
      id: `guest_tables/canonical_addresses_of_${levels}_levels`,
      about: 'Addresses whose upper bits are not all equal reach nothing; the upper half is an address like any other.',
      machine,
      ops: ((top: bigint, tables: GuestTables) => [
        ...withTables(tables),
        ...readyDevice('g', 'd'),
        bind({ levels }),
        taggedOut('d', PASID, top - 0x1000n, MARK),
        taggedOut('d', PASID, top, MARK),
        taggedOut('d', PASID, (1n << 64n) - top + 64n, MARK),
        taggedOut('d', PASID, (1n << 64n) - top - 0x1000n, MARK),
        taggedOut('d', PASID, (1n << 64n) - 0x1000n, MARK),
      ])(
        1n << BigInt(levels * 9 + 11),
        tablesOf(levels, [
          { address: (1n << BigInt(levels * 9 + 11)) - 0x1000n, to: RAM + PAGE },
          { address: (1n << 64n) - (1n << BigInt(levels * 9 + 11)), to: RAM + 2 * PAGE },
          { address: (1n << 64n) - 0x1000n, to: RAM + 3 * PAGE },
        ]),
      ),
    }),
  ),
  {
    id: 'guest_tables/rights_of_the_mapping',
    about: 'What the guest allows and the mapping does not stays forbidden.',
    ops: ((tables: GuestTables) => [
      ...withTables(tables),
      memory('read_only', 1),
      mark('read_only', 0),
      map('c', 0x30000, 'read_only', 0, 1, access.read),
      memory('write_only', 1),
      mark('write_only', 0),
      map('c', 0x40000, 'write_only', 0, 1, access.write),
      ...readyDevice('g', 'd'),
      bind(),
      ...writeAndRead(VIRTUAL),
      ...writeAndRead(virtualPage(1)),
    ])(
      tablesOf(4, [
        { address: VIRTUAL, to: 0x30000 },
        { address: virtualPage(1), to: 0x40000 },
      ]),
    ),
  },
  {
    id: 'guest_tables/pasids_that_are_not_bound',
    about: 'With a PASID that is not bound, or a table that is not mapped, a device reaches nothing.',
    ops: [
      ...alone,
      reach('d'),
      allocPasid('c', 'other', OTHER, OTHER),
      bind({ pasid: OTHER, root: 0x6000000 }),
      reach('d', 1),
      reach('d', 2, OTHER),
    ],
  },
  {
    id: 'guest_tables/pasid_by_its_name',
    about: 'A device sends whatever PASID it was given.',
    when: ({ pasid_request: request, driver }) => request === 'present' && driver !== 'none',
    ops: [
      ...nestingContainer(),
      allocPasid('c', 'pasid'),
      ...guestMemory(),
      ...readyDevice('g', 'd'),
      bind({ pasid: { ref: 'pasid' } }),
      taggedOut('d', { ref: 'pasid' }, virtualPage(4), MARK),
      taggedOut('d', { ref: 'pasid', add: 1 }, virtualPage(5), MARK),
      unbind({ hpasid: { ref: 'pasid' } }),
      taggedOut('d', { ref: 'pasid' }, virtualPage(6), MARK),
      freePasid('c', { ref: 'pasid' }),
    ],
  },
  {
    id: 'guest_tables/two_pasids',
    about: 'Each PASID of a device has tables of its own.',
    ops: ((tables: GuestTables) => [
      ...alone,
      tableMemory('others', tables.count),
      ...tables.ops,
      map('c', 0x200000, 'others', 0, tables.count),
      allocPasid('c', 'other', OTHER, OTHER),
      bind(),
      bind({ pasid: OTHER, root: 0x200000 }),
      reach('d'),
      reach('d', 0, OTHER),
    ])(guestTables({ memory: 'others', base: 0x200000, pages: [{ address: virtualPage(4), to: RAM + 5 * PAGE }] })),
  },
  {
    id: 'guest_tables/root_with_low_bits',
    about: 'The low bits of the address of the root do not matter.',
    ops: [...alone, bind({ root: TABLES + 0xfff }), reach('d')],
  },
  ...Object.entries({ short: shortPasid, no: withoutPasid }).map(
    ([name, g]): Scenario => ({
      id: `guest_tables/device_with_${name}_pasids`,
      about: 'A device cannot send a PASID that is too wide for it.',
      slots: { g },
      ops: [...alone, reach('d'), reach('d', 1, 0xffff), reach('d', 2, 0x10000), reach('d', 3, 0x100000)],
    }),
  ),
];

/** Guest page tables as a device walks them. */
export const walkScenarios = (requests: Requests): Scenario[] => [
  ...sizeScenarios(requests),
  ...addressScenarios(requests),
];
