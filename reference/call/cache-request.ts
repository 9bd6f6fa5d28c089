import { type ArgumentLayout, layoutsOf } from './argument-layout.ts';
import { DataRequest } from './data-request.ts';
import type { IoctlArgument } from './ioctl-argument.ts';

/** The data of CACHE_INVALIDATE. */
export interface Invalidation {
  version: number;
  cache: number;
  granularity: number;
  padded: boolean;
  /** Of the address or the PASID, as the granularity says. */
  flags: number;
  pasid: bigint;
  address: bigint;
  granuleSize: bigint;
  granules: bigint;
}

const layouts = layoutsOf('VFIO_IOMMU_CACHE_INVALIDATE');

/** A CACHE_INVALIDATE, and how far it has come. */
export class CacheRequest extends DataRequest<Invalidation> {
  /** The kind of cache under consideration, as the driver sees it. */
  type = 0;

  /** `sizeFirst`: the data starts with a size of its own. */
  constructor(argument: IoctlArgument, sizeFirst: boolean) {
    super(argument, sizeFirst ? layouts.sizeFirst : layouts.plain, decode);
  }
}

function decode(layout: ArgumentLayout, view: DataView): Invalidation {
  return {
    version: Number(layout.read(view, 'version')),
    cache: Number(layout.read(view, 'cache')),
    granularity: Number(layout.read(view, 'granularity')),
    padded: layout.isPadded(view),
    flags: Number(layout.read(view, 'info_flags')),
    pasid: layout.read(view, 'pasid'),
    address: layout.read(view, 'addr'),
    granuleSize: layout.read(view, 'granule_size'),
    granules: layout.read(view, 'nb_granules'),
  };
}
