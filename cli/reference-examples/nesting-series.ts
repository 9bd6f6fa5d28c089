import { openContainer } from '../../conformance/programs/build.ts';
import { allocPasid, freePasid, granularity, invalidate } from '../../conformance/programs/nesting-ops.ts';
import {
  alone,
  by,
  driverFails,
  join,
  nesting,
  nestingContainer,
  PASID,
  reach,
  reachBoth,
  requestsIn,
  together,
  twoDomains,
} from '../../conformance/suites/scenarios/nesting-stage.ts';
import { single } from '../../conformance/suites/suite.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { type ExampleProgram, notWritable } from './example-program.ts';

const { bind, unbind, flush } = requestsIn('version_first');
const take = allocPasid('c', 'pasid', PASID, PASID);
const recommended = { profile: 'v1-singleton', machine: nesting } as const;
const posted = { profile: 'v1', machine: nesting } as const;
const twoGroups = { g: single, h: single };
/** A process of its own with a container of its own, in which it has the group h. */
const stranger: Op[] = [
  { op: 'fork', as: 'child' },
  ...by('child', [openContainer('other'), ...join('h', 'other'), ...nestingContainer('other', 'h').slice(3)]),
];

/** The ioctls of the 2020 nesting series, as posted and as the recommended contract has them. */
export const examplesOf2020: ExampleProgram[] = [
  {
    of: 'VFIO_IOMMU_PASID_REQUEST',
    about: 'A PASID is allocated and freed; freeing it twice fails.',
    ...recommended,
    setUp: nestingContainer(),
    ops: [take, freePasid('c', { ref: 'pasid' }), freePasid('c', PASID)],
  },
  {
    of: 'VFIO_IOMMU_PASID_REQUEST',
    about: 'Another process, with a container of its own, cannot free it.',
    ...recommended,
    slots: twoGroups,
    setUp: [...nestingContainer(), take, ...stranger],
    ops: [...by('child', [freePasid('other', PASID)]), freePasid('c', PASID)],
  },
  {
    of: 'VFIO_IOMMU_PASID_REQUEST',
    about: 'As posted: the result cannot be written, the return value is a positive number, and the PASID is lost.',
    ...posted,
    setUp: nestingContainer(),
    ops: [...notWritable(take), take],
  },
  {
    of: 'VFIO_IOMMU_BIND',
    about: 'The device gets to the guest memory with its PASID, until it is unbound.',
    ...recommended,
    setUp: alone,
    ops: [bind(), reach('d'), unbind(), reach('d', 1)],
  },
  {
    of: 'VFIO_IOMMU_BIND',
    about: 'A version that nobody knows.',
    ...recommended,
    setUp: alone,
    ops: [bind({ version: 2 })],
  },
  {
    of: 'VFIO_IOMMU_BIND',
    about: 'The same as posted.',
    ...posted,
    setUp: alone,
    ops: [bind({ version: 2 })],
  },
  {
    of: 'VFIO_IOMMU_BIND',
    about: 'As posted, two groups behind two IOMMUs: the driver fails for the one visited first, and BIND returns 0.',
    ...posted,
    slots: twoDomains,
    setUp: together(),
    ops: [driverFails(1), bind(), ...reachBoth()],
  },
  {
    of: 'VFIO_IOMMU_BIND',
    about: 'As posted: a second BIND is refused for its format, and takes the first binding along.',
    ...posted,
    setUp: [...alone, bind()],
    ops: [reach('d'), bind({ format: 2 }), reach('d', 1)],
  },
  {
    of: 'VFIO_IOMMU_CACHE_INVALIDATE',
    about: 'Everything of a PASID is flushed; without the PASID the request is refused.',
    ...recommended,
    setUp: [...alone, bind()],
    ops: [flush(), invalidate('c', { granularity: granularity.pasid })],
  },
  {
    of: 'VFIO_IOMMU_CACHE_INVALIDATE',
    about: 'As posted, the IOTLB by DOMAIN: the driver of the series refuses it.',
    ...posted,
    setUp: [...alone, bind()],
    ops: [flush({ granularity: granularity.domain })],
  },
  {
    of: 'VFIO_IOMMU_CACHE_INVALIDATE',
    about: 'The same on the driver of Linux 5.8: it returns 0, and nothing is flushed.',
    ...posted,
    settings: { driver: 'v5.8' },
    setUp: [...alone, bind()],
    ops: [flush({ granularity: granularity.domain })],
  },
];
