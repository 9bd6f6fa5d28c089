import { allocPasid, cache, cutOff, granularity, type InvalidationFields } from '../../../programs/nesting-ops.ts';
import {
  alone,
  emulated,
  nestingContainer,
  OTHER,
  PASID,
  platform,
  type Requests,
  reach,
  shortPasid,
  virtualPage,
  withoutPasid,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

/** Every set of caches at every granularity. */
const pairs: InvalidationFields[] = [1, 2, 3, 4, 5, 6, 7].flatMap((caches) =>
  Object.values(granularity).map((how) => ({
    cache: caches,
    granularity: how,
    ...(how === granularity.address && { addr: virtualPage(0) }),
  })),
);

/** What CACHE_INVALIDATE looks at in its argument, and what it does not. */
export const invalidationScenarios = ({ bind, flush }: Requests): Scenario[] => [
  {
    id: 'findings/c1_argsz_of_the_header_is_enough',
    about: 'CACHE_INVALIDATE reads all of its data whatever argsz says.',
    ops: [
      ...alone,
      bind(),
      flush({ argsz: 8 }),
      flush({ argsz: 7 }),
      cutOff(flush({ argsz: 8 }), 8),
      cutOff(flush(), 55),
      cutOff(flush(), 7),
      flush({ flags: 1 }),
      flush({ flags: 0x80000000 }),
    ],
  },
  ...['VFIO_TYPE1_IOMMU', 'VFIO_TYPE1v2_IOMMU'].map(
    (type, i): Scenario => ({
      id: `findings/c1_container_of_type1${i === 0 ? '' : '_v2'}`,
      about: 'CACHE_INVALIDATE in a container that is not of the nesting type.',
      ops: [...nestingContainer('c', 'g', type), allocPasid('c', 'pasid', PASID, PASID), flush()],
    }),
  ),
  {
    id: 'findings/c2_container_without_domain',
    about: 'A container without any IOMMU domain: CACHE_INVALIDATE has nothing to do, BIND fails.',
    slots: { g: emulated },
    ops: [...nestingContainer(), flush(), bind()],
  },
  {
    id: 'findings/c3_pairs_of_cache_and_granularity',
    about: 'Every set of caches at every granularity.',
    ops: [...alone, bind(), ...pairs.map((pair) => flush(pair))],
  },
  {
    id: 'findings/c3_pairs_without_pasid_flag',
    about: 'The same without the flag that says that there is a PASID.',
    ops: [...alone, bind(), ...pairs.map((pair) => flush({ ...pair, info_flags: 0 }))],
  },
  {
    id: 'findings/c3_unknown_granularity',
    about: 'A granularity that nobody gave a meaning to, where it is not looked up beyond the end of a table.',
    when: ({ driver, nesting_series }) =>
      nesting_series === 'repaired' || ['none', 'v10', 'v5.10', 'complete'].includes(driver!),
    ops: [
      ...alone,
      bind(),
      flush({ granularity: 3 }),
      flush({ granularity: 0xff }),
      flush({ cache: 0, granularity: 3 }),
    ],
  },
  {
    id: 'findings/c3_unknown_values',
    about: 'Caches, granularities and flags that nobody gave a meaning to.',
    ops: [
      ...alone,
      bind(),
      flush({ cache: 8 }),
      flush({ cache: 9 }),
      flush({ cache: 0x80 }),
      flush({ info_flags: 9 }),
      flush({ info_flags: 3, archid: 9 }),
      flush({ addr: virtualPage(0), info_flags: 0x11 }),
      flush({ padding: 1, padding_0: 1 }),
      flush({ padding: 0x8000, padding_2: 1 }),
    ],
  },
  {
    id: 'findings/c3_versions',
    about: 'Versions of the data that are not there yet.',
    when: ({ size_table: lookup }) => lookup === '2020-03-25',
    ops: [...alone, bind(), flush({ version: 2 }), flush({ version: 0x7fffffff }), flush()],
  },
  {
    id: 'findings/v5_version_0_of_an_invalidation',
    about: 'Version 0 of the data has the size of what stands before it in the table: that of BIND.',
    ops: [...alone, bind(), flush({ version: 0 }), cutOff(flush({ version: 0 }), 56), reach('d')],
  },
  {
    id: 'findings/c3_addresses',
    about: 'Address ranges: aligned to their size or not, large, and beyond the end.',
    ops: [
      ...alone,
      bind(),
      flush({ addr: virtualPage(0), pages: 2 }),
      flush({ addr: virtualPage(1), pages: 2 }),
      flush({ addr: virtualPage(0) + 1n }),
      flush({ addr: 0, pages: 1024 }),
      flush({ addr: virtualPage(0), pages: 0 }),
      flush({ addr: 0, granule_size: 1 << 21, nb_granules: 4 }),
      flush({ addr: 0, granule_size: 1n << 63n, nb_granules: 2 }),
      flush({ addr: -4096n, nb_granules: 2 }),
    ],
  },
  {
    id: 'findings/c3_pasids_that_are_not_bound',
    about: 'CACHE_INVALIDATE of PASIDs that are not bound, that nobody has, and that no device can send.',
    ops: [
      ...alone,
      flush(),
      flush({ pasid: OTHER }),
      flush({ pasid: 0 }),
      flush({ pasid: 0x100000 }),
      flush({ pasid: 0x1_0000_0005n }),
    ],
  },
  ...Object.entries({ platform, emulated, without_pasid: withoutPasid, short_pasid: shortPasid }).map(
    ([name, g]): Scenario => ({
      id: `findings/c3_device_${name}`,
      about: 'CACHE_INVALIDATE for another kind of device.',
      slots: { g },
      ops: [...nestingContainer(), flush(), flush({ cache: cache.pasid }), flush({ cache: cache.device })],
    }),
  ),
  {
    id: 'findings/c4_no_cache',
    about: 'CACHE_INVALIDATE of no cache has nothing to do.',
    ops: [...alone, bind(), flush({ cache: 0 }), flush({ cache: 0, granularity: 3 })],
  },
];
