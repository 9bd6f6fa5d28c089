import { uapi } from '../spec/uapi/uapi.ts';
import type { Call } from './call.ts';

/** The data of BIND: the header is not part of it. */
export interface BindData {
  version: number;
  format: number;
  flags: bigint;
  /** Guest physical address of the guest's table. */
  gpgd: bigint;
  hpasid: bigint;
  gpasid: bigint;
  /** Bits. */
  addressWidth: number;
  vtdFlags: bigint;
  /** All padding is zero. */
  padded: boolean;
}

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

type Reader = (field: string) => bigint;

/** Reads a field of a struct from the argument. */
function reader({ argumentBytes: view }: Call, struct: string): Reader {
  const offsets = offsetsOf(struct);
  return (field) => {
    const found = offsets.get(field);
    if (!found) return 0n;
    const { at, width } = found;
    if (width === 8) return view.getBigUint64(at, true);
    return BigInt(width === 4 ? view.getUint32(at, true) : width === 2 ? view.getUint16(at, true) : view.getUint8(at));
  };
}

const layouts = new Map<string, Map<string, { at: number; width: number }>>();

function offsetsOf(struct: string): Map<string, { at: number; width: number }> {
  let offsets = layouts.get(struct);
  if (!offsets) {
    offsets = new Map(uapi.structs[struct]!.fields.map(({ name, at, width }) => [name, { at, width }]));
    layouts.set(struct, offsets);
  }
  return offsets;
}

/** Whether all fields of padding are zero. */
function padded(struct: string, read: Reader): boolean {
  return uapi.structs[struct]!.fields.every(({ name, holds }) => holds !== 'zero' || read(name) === 0n);
}

const structOf = ({ sizeFirst }: Call, ioctl: string): string => {
  const { struct, argszFirst } = uapi.ioctls[ioctl]!;
  return sizeFirst ? argszFirst! : struct!;
};

/** The argument of BIND as far as it was read. */
export function bindData(call: Call): BindData {
  const struct = structOf(call, 'VFIO_IOMMU_BIND');
  const read = reader(call, struct);
  return {
    version: Number(read('version')),
    format: Number(read('format')),
    flags: read('data_flags'),
    gpgd: read('gpgd'),
    hpasid: read('hpasid'),
    gpasid: read('gpasid'),
    addressWidth: Number(read('addr_width')),
    vtdFlags: read('vtd_flags'),
    padded: padded(struct, read),
  };
}

/** The argument of CACHE_INVALIDATE as far as it was read. */
export function invalidation(call: Call): Invalidation {
  const struct = structOf(call, 'VFIO_IOMMU_CACHE_INVALIDATE');
  const read = reader(call, struct);
  return {
    version: Number(read('version')),
    cache: Number(read('cache')),
    granularity: Number(read('granularity')),
    padded: padded(struct, read),
    flags: Number(read('info_flags')),
    pasid: read('pasid'),
    address: read('addr'),
    granuleSize: read('granule_size'),
    granules: read('nb_granules'),
  };
}

/** The size that the data gives itself, where it does: bytes. */
export function dataSize(call: Call): number {
  return call.argumentBytes.getUint32(8, true);
}

/** PASID_REQUEST: what FREE names is in the place of `min`. */
export function pasidRequest({ argumentBytes: view }: Call): { flags: number; min: number; max: number } {
  return { flags: view.getUint32(4, true), min: view.getUint32(8, true), max: view.getUint32(12, true) };
}
