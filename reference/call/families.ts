import type { Call } from './call.ts';

// What the rules of each family of ops may see of a call: a rule that reads what its ops do not have does not compile.

/** Every op. */
export type AnyCall = Pick<
  Call,
  | 'world'
  | 'process'
  | 'op'
  | 'chooser'
  | 'object'
  | 'handler'
  | 'result'
  | 'errno'
  | 'unspecified'
  | 'stored'
  | 'allocationMayFail'
  | 'copyFails'
>;

/** An ioctl. */
export type IoctlCall = AnyCall & Pick<Call, 'argument' | 'copyIn'>;

/** What opens something. */
export type OpenCall = AnyCall & Pick<Call, 'opening'>;

/** What opens a device: an op or an ioctl. */
export type OpenDeviceCall = OpenCall & IoctlCall;

/** MAP_DMA. */
export type MapCall = IoctlCall & Pick<Call, 'map'>;

/** UNMAP_DMA and DIRTY_PAGES. */
export type RangeCall = IoctlCall & Pick<Call, 'range'>;

/** GET_INFO of a container. */
export type InfoCall = IoctlCall & Pick<Call, 'info'>;

/** Access to the regions of a device. */
export type RegionCall = AnyCall & Pick<Call, 'mode' | 'region'>;

/** A transfer of a device. */
export type DmaCall = AnyCall & Pick<Call, 'dma'>;

/** PASID_REQUEST. */
export type PasidCall = IoctlCall & Pick<Call, 'pasidRequest'>;

/** What the IOMMU driver does for a device, whatever is asked for. */
export type DriverCall = IoctlCall & Pick<Call, 'visit'>;

/** BIND. */
export type BindCall = DriverCall & Pick<Call, 'bind'>;

/** CACHE_INVALIDATE. */
export type CacheCall = DriverCall & Pick<Call, 'cache'>;
