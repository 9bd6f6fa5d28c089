import type { Parameters } from '../parameters.ts';

const DOMAIN = 1;
const PASID = 2;
const ADDRESS = 4;

/** How the VT-d driver behaved, from one revision to the next. */
export interface Revision {
  /** The core's copy of the data has a size in front, and the driver looks at it and at the VT-d flags. */
  argszFirst?: true;
  /** The same caller may bind a pair of host and guest PASID on one device only. */
  refusesSamePair?: true;
  /** The width of the guest's addresses is compared with the hardware before the PASID is looked up. */
  checksWidthFirst?: true;
  /** The end of BIND looks at what a failed look-up gave. */
  faultsWithoutPasid?: true | undefined;
  /** A domain that was not made for nesting is refused: only to bind, or to flush as well. */
  needsNesting?: 'to_bind' | 'always';
  /** A device without ATS is not flushed. */
  needsAts?: true;
  /** The table of granularities is read beyond its end. */
  faultsBeyondTable?: true | undefined;
  /** What becomes of a device that is bound already. */
  repeated: 'counted' | 'refused';
  /** Memory types of guest tables are refused even by hardware that has them. */
  refusesMemoryTypes?: true | undefined;
  /** What unbinding gives when nothing is bound; the number itself is checked if that is fine. */
  unbound: 'EINVAL' | undefined;
  /** By kind of cache: granularities with which it can be flushed, one bit each. */
  granularities: readonly [iotlb: number, device: number, pasid: number];
  /** What other pairs of kind and granularity give. */
  otherGranularity: 'EINVAL' | undefined;
  /** What a request without a PASID does: ends, is one for PASID 0, is refused; or is for all PASIDs, if it may. */
  withoutPasid: 'ends' | 'pasid_0' | 'refused';
  /** Whether an address that does not fit the size is refused. */
  refusesMisaligned?: true;
}

const v10 = {
  checksWidthFirst: true,
  refusesSamePair: true,
  repeated: 'counted',
  unbound: 'EINVAL',
  needsAts: true,
  granularities: [PASID | ADDRESS, DOMAIN | PASID, DOMAIN | PASID],
  otherGranularity: 'EINVAL',
  withoutPasid: 'ends',
  refusesMisaligned: true,
} as const satisfies Revision;

const v5_9 = {
  needsNesting: 'always',
  faultsBeyondTable: true,
  repeated: 'refused',
  refusesMemoryTypes: true,
  unbound: undefined,
  granularities: [PASID | ADDRESS, ADDRESS, 0],
  otherGranularity: undefined,
  withoutPasid: 'pasid_0',
} as const satisfies Revision;

const v5_8 = { ...v5_9, faultsWithoutPasid: true, unbound: 'EINVAL', refusesMisaligned: true } as const;

/** Every driver that has hooks for guest tables. */
export const REVISIONS: Record<Exclude<Parameters['driver'], 'none'>, Revision> = {
  v10,
  v11: {
    ...v5_8,
    needsNesting: 'to_bind',
    needsAts: true,
    repeated: 'counted',
    refusesMemoryTypes: undefined,
    faultsWithoutPasid: undefined,
  },
  'v5.8': v5_8,
  'v5.8-aux': { ...v5_8, repeated: 'counted' },
  'v5.9': v5_9,
  'v5.10': { ...v5_9, argszFirst: true, faultsBeyondTable: undefined },
  // What the header of the data documents.
  complete: {
    needsNesting: 'always',
    repeated: 'refused',
    unbound: undefined,
    granularities: [DOMAIN | PASID | ADDRESS, PASID | ADDRESS, DOMAIN | PASID],
    otherGranularity: 'EINVAL',
    withoutPasid: 'refused',
  },
};
