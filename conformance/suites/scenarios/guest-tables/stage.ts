import type { Op } from '../../../../spec/uapi/vocabulary.ts';
import { access, dmaOut, map, memory } from '../../../programs/build.ts';
import { type GuestPage, type GuestTables, guestTables, tableMemory } from '../../../programs/guest-tables.ts';
import { allocPasid, MARK, mark, taggedIn, taggedOut } from '../../../programs/nesting-ops.ts';
import { fiveLevels, nesting, nestingContainer, PASID, RAM, TABLES } from '../nesting-stage.ts';

const PAGE = 4096;

/** Depths of tables, and the machines that walk them. */
export const depths = [
  { levels: 4, machine: nesting },
  { levels: 4, machine: fiveLevels },
  { levels: 5, machine: fiveLevels },
] as const;

/** A container with the tables, a page of them at a time if `readOnly` says which the IOMMU may only read. */
export function withTables(tables: GuestTables, readOnly: number[] = []): Op[] {
  const pages = Array.from({ length: tables.count }, (_, page) => page);
  return [
    ...nestingContainer(),
    allocPasid('c', 'pasid', PASID, PASID),
    memory('ram', 4),
    mark('ram', 0),
    mark('ram', 1),
    map('c', RAM, 'ram', 0, 4),
    tableMemory('tables', tables.count),
    ...tables.ops,
    ...pages.map((page) =>
      map('c', TABLES + page * PAGE, 'tables', page * PAGE, 1, readOnly.includes(page) ? access.read : access.both),
    ),
  ];
}

/** A device writes its mark with the PASID, then reads with it and shows what it got. */
export const writeAndRead = (address: bigint): Op[] => [
  taggedOut('d', PASID, address + 64n, MARK),
  taggedIn('d', PASID, address, MARK),
  dmaOut('d', RAM + 3 * PAGE, MARK),
];

/** Tables of the guest in the memory `tables`. */
export const tablesOf = (levels: 4 | 5, pages: GuestPage[]): GuestTables =>
  guestTables({ memory: 'tables', base: TABLES, levels, pages });
