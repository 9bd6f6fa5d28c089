import { uapi } from '../../../spec/uapi/uapi.ts';

/** Bytes of every argument in front of the data. */
export const HEADER_BYTES = 8;

/** The data of BIND: struct iommu_gpasid_bind_data. */
export interface BindData {
  /** Size that the data says it has; undefined in the layout that does not say it. */
  argsz: number | undefined;
  version: number;
  format: number;
  flags: bigint;
  /** Address of the guest's top table. */
  gpgd: bigint;
  hpasid: bigint;
  gpasid: bigint;
  addressWidth: number;
  paddingIsZero: boolean;
  vtdFlags: bigint;
}

/** The data of CACHE_INVALIDATE: struct iommu_cache_invalidate_info. */
export interface InvalidateData {
  argsz: number | undefined;
  version: number;
  /** Kinds of cache, one bit each. */
  cache: number;
  granularity: number;
  paddingIsZero: boolean;
  /** Flags of the part that the granularity selects. */
  flags: number;
  pasid: bigint;
  address: bigint;
  granuleSize: bigint;
  granules: bigint;
}

/** What a request to flush is for. */
export const Granularity = { DOMAIN: 0, PASID: 1, ADDRESS: 2, COUNT: 3 } as const;
/** Flags of the information about a PASID or an address. */
export const Information = { PASID: 1, LEAF: 4 } as const;

/** Where the fields of a struct are, counted from the data on. */
class Layout {
  private readonly fields: ReadonlyMap<string, { at: number; width: number }>;
  private readonly paddings: string[];
  /** Bytes of the data. */
  readonly size: number;

  constructor(struct: string) {
    const { size, fields } = uapi.structs[struct]!;
    this.size = size - HEADER_BYTES;
    const inside = fields.filter(({ at }) => at >= HEADER_BYTES);
    this.fields = new Map(inside.map(({ name, at, width }) => [name, { at: at - HEADER_BYTES, width }]));
    this.paddings = [...this.fields.keys()].filter((name) => name.startsWith('padding'));
  }

  has(name: string): boolean {
    return this.fields.has(name);
  }

  /** A field of up to 4 bytes. */
  number(data: DataView, name: string): number {
    const { at, width } = this.fields.get(name)!;
    if (width === 1) return data.getUint8(at);
    return width === 2 ? data.getUint16(at, true) : data.getUint32(at, true);
  }

  /** A field of 8 bytes. */
  long(data: DataView, name: string): bigint {
    return data.getBigUint64(this.fields.get(name)!.at, true);
  }

  paddingIsZero(data: DataView): boolean {
    return this.paddings.every((name) => this.number(data, name) === 0);
  }
}

const BIND = new Layout('vfio_iommu_type1_bind');
const BIND_ARGSZ_FIRST = new Layout('vfio_iommu_type1_bind_argsz_first');
const INVALIDATE = new Layout('vfio_iommu_type1_cache_invalidate');
const INVALIDATE_ARGSZ_FIRST = new Layout('vfio_iommu_type1_cache_invalidate_argsz_first');

/** Bytes of the data of each request, in either layout. */
export const DATA_BYTES = {
  bind: BIND.size,
  invalidate: INVALIDATE.size,
  bindArgszFirst: BIND_ARGSZ_FIRST.size,
  invalidateArgszFirst: INVALIDATE_ARGSZ_FIRST.size,
} as const;

/** Reads the data of BIND. */
export function bindData(bytes: Uint8Array, argszFirst = false): BindData {
  const layout = argszFirst ? BIND_ARGSZ_FIRST : BIND;
  const view = viewOf(bytes);
  return {
    argsz: layout.has('data_argsz') ? layout.number(view, 'data_argsz') : undefined,
    version: layout.number(view, 'version'),
    format: layout.number(view, 'format'),
    flags: layout.long(view, 'data_flags'),
    gpgd: layout.long(view, 'gpgd'),
    hpasid: layout.long(view, 'hpasid'),
    gpasid: layout.long(view, 'gpasid'),
    addressWidth: layout.number(view, 'addr_width'),
    paddingIsZero: layout.paddingIsZero(view),
    vtdFlags: layout.long(view, 'vtd_flags'),
  };
}

/** Reads the data of CACHE_INVALIDATE. */
export function invalidateData(bytes: Uint8Array, argszFirst = false): InvalidateData {
  const layout = argszFirst ? INVALIDATE_ARGSZ_FIRST : INVALIDATE;
  const view = viewOf(bytes);
  return {
    argsz: layout.has('data_argsz') ? layout.number(view, 'data_argsz') : undefined,
    version: layout.number(view, 'version'),
    cache: layout.number(view, 'cache'),
    granularity: layout.number(view, 'granularity'),
    paddingIsZero: layout.paddingIsZero(view),
    flags: layout.number(view, 'info_flags'),
    pasid: layout.long(view, 'pasid'),
    address: layout.long(view, 'addr'),
    granuleSize: layout.long(view, 'granule_size'),
    granules: layout.long(view, 'nb_granules'),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
