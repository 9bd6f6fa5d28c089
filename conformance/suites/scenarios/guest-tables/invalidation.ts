import { uapi } from '../../../../spec/uapi/uapi.ts';
import type { Op } from '../../../../spec/uapi/vocabulary.ts';
import { dmaIn, map, memory, unmap } from '../../../programs/build.ts';
import { entry, guestTables, tableMemory } from '../../../programs/guest-tables.ts';
import {
  allocPasid,
  cache,
  freePasid,
  granularity,
  type InvalidationFields,
  MARK,
  taggedIn,
  taggedOut,
} from '../../../programs/nesting-ops.ts';
import { single } from '../../suite.ts';
import {
  alone,
  driverFails,
  inContainer,
  nestingContainer,
  OTHER,
  oneDomain,
  PASID,
  RAM,
  type Requests,
  reach,
  TABLES,
  together,
  virtualPage,
  wholeRam,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

const PAGE = 4096;
/** The page that devices write to before anything changes, and where its entry points to afterwards. */
const OLD = 4;
const NEW = 6;
const all = cache.iotlb | cache.device;
const GPASID_VALID = uapi.flags.gpasid_bind_flags!.IOMMU_SVA_GPASID_VAL!;

/** Requests that flush what has to do with the changed page, all of it or a part. */
const flushes: Record<string, InvalidationFields> = {
  iotlb_of_a_pasid: { cache: cache.iotlb },
  iotlb_of_an_address: { cache: cache.iotlb, addr: virtualPage(OLD) },
  iotlb_of_a_last_entry: { cache: cache.iotlb, addr: virtualPage(OLD), leaf: true },
  iotlb_of_a_domain: { cache: cache.iotlb, granularity: granularity.domain },
  device_tlb_of_a_pasid: { cache: cache.device },
  device_tlb_of_an_address: { cache: cache.device, addr: virtualPage(OLD) },
  device_tlb_of_a_domain: { cache: cache.device, granularity: granularity.domain },
  iotlb_without_pasid_flag: { cache: cache.iotlb, info_flags: 0 },
  both_of_a_pasid: { cache: all },
  both_of_an_address: { cache: all, addr: virtualPage(OLD) },
  both_of_a_last_entry: { cache: all, addr: virtualPage(OLD), leaf: true },
  both_of_two_pages: { cache: all, addr: virtualPage(OLD), pages: 2 },
  both_of_another_page: { cache: all, addr: virtualPage(OLD + 1) },
  both_of_another_pasid: { cache: all, pasid: OTHER },
  both_of_a_misaligned_address: { cache: all, addr: virtualPage(OLD) + 0x800n },
  both_of_a_misaligned_range: { cache: all, addr: virtualPage(OLD - 1), pages: 2 },
  both_of_2_mib: { cache: all, addr: virtualPage(0) & ~0x1fffffn, granule_size: 1 << 21, nb_granules: 1 },
  everything_of_no_pages: { cache: all, addr: virtualPage(OLD), pages: 0 },
  pasid_cache: { cache: cache.pasid },
  pasid_cache_of_a_domain: { cache: cache.pasid, granularity: granularity.domain },
  all_three: { cache: 7 },
};

/** A second table of the last level, where the page is another one. */
const branch = guestTables({
  memory: 'branch',
  base: 0x200000,
  pages: [{ address: virtualPage(OLD), to: RAM + NEW * PAGE }],
});
const branchTable = branch.root + 3n * BigInt(PAGE);

/** What changes: the last entry, or the one above. */
const changes: Record<string, { before: Op[]; change: Op }> = {
  last_entry: {
    before: [],
    change: wholeRam.change(virtualPage(OLD), 1, BigInt(RAM + NEW * PAGE) | entry.open),
  },
  table: {
    before: [tableMemory('branch', branch.count), ...branch.ops, map('c', branch.root, 'branch', 0, branch.count)],
    change: wholeRam.change(virtualPage(OLD), 2, branchTable | entry.open),
  },
};

/** Two devices of a domain that are bound, and a device TLB request that the driver takes. */
const twoDevices: {
  id: string;
  when: NonNullable<Scenario['when']>;
  request: InvalidationFields;
  ops: (bind: Requests['bind']) => Op[];
}[] = [
  {
    id: 'a_device_bound_before',
    // The second device of one request is refused by this driver, but not with another PASID of the guest.
    when: ({ driver, nesting_series }) => driver === 'v10' && nesting_series === 'as_posted',
    request: { cache: cache.device },
    ops: (bind) => [...together([bind()]), bind({ data_flags: GPASID_VALID, gpasid: 9 })],
  },
  {
    id: 'a_device_bound_with_it',
    when: ({ driver }) => driver === 'complete',
    request: { cache: cache.device },
    ops: (bind) => [...together(), bind()],
  },
  {
    id: 'an_address_of_a_device_bound_with_it',
    when: ({ driver }) => /^v(5|11)/.test(driver!) || driver === 'complete',
    request: { cache: cache.device, addr: virtualPage(OLD) },
    ops: (bind) => [...together(), bind()],
  },
];

/** Changed tables are seen at the latest after they were flushed. */
export const staleScenarios = ({ bind, unbind, flush }: Requests): Scenario[] => [
  ...Object.entries(changes).flatMap(([what, { before, change }]) =>
    Object.entries(flushes).map(
      ([name, request]): Scenario => ({
        id: `guest_tables/changed_${what}_after_${name}`,
        about: 'A device uses what it used, or what is there now; after the flush of all of it only what is there now.',
        ops: [...alone, ...before, bind(), reach('d'), change, reach('d', 1), flush(request), reach('d', 2)],
      }),
    ),
  ),
  {
    id: 'guest_tables/changed_entry_in_two_steps',
    about: 'Both caches flushed one after the other.',
    ops: [
      ...alone,
      bind(),
      reach('d'),
      changes.last_entry!.change,
      flush({ cache: cache.iotlb, addr: virtualPage(OLD) }),
      reach('d', 1),
      flush({ cache: cache.device, addr: virtualPage(OLD) }),
      reach('d', 2),
    ],
  },
  ...twoDevices.map(
    ({ id, when, request, ops }): Scenario => ({
      id: `guest_tables/device_tlb_of_${id}_and_iotlb_of_its_neighbour`,
      about:
        'A device TLB request, and an IOTLB request that gets to the other device of the domain only: nothing is left.',
      slots: oneDomain,
      when,
      ops: [
        ...ops(bind),
        reach('d'),
        changes.last_entry!.change,
        flush(request),
        // The device that came last is visited first.
        driverFails(2),
        flush({ cache: cache.iotlb }),
        reach('d', 1),
      ],
    }),
  ),
  {
    id: 'guest_tables/device_tlb_before_iotlb',
    about: 'The device TLB flushed first can be filled again from the IOTLB.',
    ops: [
      ...alone,
      bind(),
      reach('d'),
      changes.last_entry!.change,
      flush({ cache: cache.device }),
      reach('d', 1),
      flush({ cache: cache.iotlb }),
      reach('d', 2),
    ],
  },
  {
    id: 'guest_tables/what_faulted_does_not_stay',
    about: 'An entry that was not present is seen without any flush once it is there.',
    ops: [
      ...alone,
      wholeRam.change(virtualPage(OLD), 1, 0n),
      bind(),
      reach('d'),
      wholeRam.change(virtualPage(OLD), 1, BigInt(RAM + OLD * PAGE) | entry.open),
      reach('d', 1),
    ],
  },
  {
    id: 'guest_tables/more_rights_need_no_flush',
    about: 'A page that could only be read, and was, can be written once its entry says so.',
    ops: [
      ...alone,
      wholeRam.change(virtualPage(OLD), 1, BigInt(RAM + OLD * PAGE) | entry.present | entry.user),
      bind(),
      taggedIn('d', PASID, virtualPage(OLD), MARK),
      dmaIn('d', RAM, MARK),
      reach('d'),
      wholeRam.change(virtualPage(OLD), 1, BigInt(RAM + OLD * PAGE) | entry.open),
      reach('d', 1),
    ],
  },
  {
    id: 'guest_tables/fewer_rights_need_a_flush',
    about: 'A right that was taken away is gone at the latest after a flush.',
    ops: [
      ...alone,
      bind(),
      reach('d'),
      wholeRam.change(virtualPage(OLD), 1, BigInt(RAM + OLD * PAGE) | entry.present | entry.user),
      reach('d', 1),
      flush({ cache: all }),
      reach('d', 2),
    ],
  },
  {
    id: 'guest_tables/cleared_bits_are_set_again',
    about: 'Accessed and dirty bits that were cleared are set again at the latest after a flush.',
    ops: [
      ...alone,
      bind(),
      reach('d'),
      wholeRam.change(virtualPage(OLD), 1, BigInt(RAM + OLD * PAGE) | entry.open),
      reach('d', 1),
      flush({ cache: all }),
      reach('d', 2),
    ],
  },
  {
    id: 'guest_tables/read_does_not_make_writable',
    about: 'A write after a read sets the dirty bit, whatever the read left in caches.',
    ops: [...alone, bind(), taggedIn('d', PASID, virtualPage(OLD), MARK), dmaIn('d', RAM, MARK), reach('d')],
  },
  {
    id: 'guest_tables/changed_entry_after_another_bind',
    about: 'Unbinding flushes: a table that is bound anew is walked anew.',
    ops: [...alone, bind(), reach('d'), changes.last_entry!.change, unbind(), reach('d', 1), bind(), reach('d', 2)],
  },
  {
    id: 'guest_tables/another_table_of_the_same_pasid',
    about: 'After unbinding and binding another table nothing of the first is left.',
    ops: [
      ...alone,
      tableMemory('branch', branch.count),
      ...branch.ops,
      map('c', branch.root, 'branch', 0, branch.count),
      bind(),
      reach('d'),
      unbind(),
      bind({ root: branch.root }),
      reach('d', 1),
    ],
  },
  {
    id: 'guest_tables/unmap_below_a_bound_table',
    about: 'After UNMAP of a page that a device reached with a PASID: whether it may go on using it.',
    ops: [
      ...alone,
      memory('next', 8),
      bind(),
      reach('d'),
      unmap('c', RAM, 8),
      reach('d', 1),
      map('c', RAM, 'next', 0, 8),
      reach('d', 2),
      flush({ cache: all }),
      reach('d', 3),
    ],
  },
  {
    id: 'guest_tables/unmap_of_the_tables',
    about: 'After UNMAP of the tables themselves: whether a device may go on using them.',
    ops: [
      ...alone,
      bind(),
      reach('d'),
      unmap('c', TABLES, wholeRam.count),
      reach('d', 1),
      taggedOut('d', PASID, virtualPage(5), MARK),
      flush({ cache: all }),
      reach('d', 2),
    ],
  },
  {
    id: 'guest_tables/flush_in_a_container_of_two_groups',
    about: 'A flush reaches the caches of all devices of the container.',
    slots: oneDomain,
    ops: [
      ...together(),
      bind(),
      reach('d'),
      reach('e', 1),
      changes.last_entry!.change,
      flush({ cache: all }),
      reach('d', 2),
      reach('e', 3),
    ],
  },
  {
    id: 'guest_tables/flush_in_another_container',
    about: 'A flush in another container of the process changes nothing here.',
    slots: { g: single, h: single },
    ops: [
      ...alone,
      bind(),
      ...nestingContainer('k', 'h'),
      reach('d'),
      changes.last_entry!.change,
      inContainer('k', flush({ cache: all })),
      reach('d', 1),
      flush({ cache: all }),
      reach('d', 2),
    ],
  },
  {
    id: 'guest_tables/freed_pasid_is_flushed',
    about: 'What FREE of a bound PASID leaves in caches.',
    ops: [...alone, bind(), reach('d'), freePasid('c', PASID), reach('d', 1), flush({ cache: all }), reach('d', 2)],
  },
  {
    id: 'guest_tables/flush_of_one_of_two_pasids',
    about: 'A flush of one PASID need not flush the other.',
    ops: [
      ...alone,
      allocPasid('c', 'other', OTHER, OTHER),
      bind(),
      bind({ pasid: OTHER }),
      reach('d'),
      reach('d', 1, OTHER),
      changes.last_entry!.change,
      flush({ cache: all, pasid: OTHER }),
      reach('d', 2, OTHER),
      reach('d', 3),
      flush({ cache: all, granularity: granularity.domain }),
      reach('d', 4),
    ],
  },
];
