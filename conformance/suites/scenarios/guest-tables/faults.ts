import { entry, type GuestTables } from '../../../programs/guest-tables.ts';
import { MARK, taggedOut } from '../../../programs/nesting-ops.ts';
import { nesting, PASID, RAM, type Requests, readyDevice, VIRTUAL } from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';
import { depths, tablesOf, withTables, writeAndRead } from './stage.ts';

/** One page of the guest. */
const flat = (levels: 4 | 5): GuestTables => tablesOf(levels, [{ address: VIRTUAL, to: RAM }]);

/** Ways to spoil the entry of a level. Entries of the last level have no bit for a large page, but for memory types. */
const spoiled: Record<string, (value: bigint, level: number) => bigint | undefined> = {
  not_present: (value) => value & ~entry.present,
  reserved_bits: (value, level) =>
    level >= 4 ? value | entry.large : level === 1 ? undefined : value | entry.large | 0x4000n,
  supervisor: (value) => value & ~entry.user,
  not_writable: (value) => value & ~entry.writable,
  not_mapped: (value) => (value & 0xfffn) | 0x7000000000n,
  accessed_already: (value) => value | entry.accessed,
  dirty_already: (value) => value | entry.accessed | entry.dirty,
  ignored_bits: (value) => value | (0xfffn << 52n) | 0xe00n,
};

/** Every level's entry spoiled in every way. */
const faultScenarios = ({ bind }: Requests): Scenario[] =>
  depths
    .filter(({ levels, machine }) => levels === 5 || machine === nesting)
    .flatMap(({ levels, machine }) =>
      Array.from({ length: levels }, (_, i) => i + 1).flatMap((level) =>
        Object.entries(spoiled).flatMap(([name, spoil]): Scenario[] => {
          const tables = flat(levels);
          const value = spoil(tables.value(VIRTUAL, level), level);
          if (value === undefined) return [];
          return [
            {
              id: `guest_tables/level_${level}_of_${levels}_${name}`,
              about: 'The entry of a level is spoiled, or has what does not matter.',
              machine,
              ops: [
                ...withTables(tables),
                tables.change(VIRTUAL, level, value),
                ...readyDevice('g', 'd'),
                bind({ levels }),
                ...writeAndRead(VIRTUAL),
              ],
            },
          ];
        }),
      ),
    );

/** A table that the IOMMU may not write, with and without entries that it would have to. */
const readOnlyTableScenarios = ({ bind }: Requests): Scenario[] =>
  [4, 3, 2, 1].flatMap((level) =>
    ['fresh', 'accessed', 'dirty'].map((state): Scenario => {
      const tables = flat(4);
      const bits = state === 'fresh' ? 0n : state === 'accessed' ? entry.accessed : entry.accessed | entry.dirty;
      return {
        id: `guest_tables/read_only_table_of_level_${level}_${state}`,
        about: 'A table that the IOMMU may only read serves where no bit of it has to be set.',
        ops: [
          ...withTables(tables, [4 - level]),
          tables.change(VIRTUAL, level, tables.value(VIRTUAL, level) | bits),
          ...readyDevice('g', 'd'),
          bind(),
          ...writeAndRead(VIRTUAL),
          taggedOut('d', PASID, VIRTUAL + 96n, MARK),
        ],
      };
    }),
  );

/** What keeps a walk from its end, level by level. */
export const walkFaultScenarios = (requests: Requests): Scenario[] => [
  ...faultScenarios(requests),
  ...readOnlyTableScenarios(requests),
];
