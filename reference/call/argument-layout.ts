import { type Field, uapi } from '../../spec/uapi/uapi.ts';
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

/** How to read the fields of a struct. */
interface Layout {
  fields: Map<string, Field>;
  padding: Field[];
}

type Reader = (field: string) => bigint;

/** Reads a field of the argument; one that the layout does not have is 0. */
function reader({ argumentBytes: view }: Call, { fields }: Layout): Reader {
  return (name) => {
    const field = fields.get(name);
    return field ? read(view, field) : 0n;
  };
}

function read(view: DataView, { at, width }: Field): bigint {
  if (width === 8) return view.getBigUint64(at, true);
  return BigInt(width === 4 ? view.getUint32(at, true) : width === 2 ? view.getUint16(at, true) : view.getUint8(at));
}

const layouts = new Map<string, Layout>();

/** The layout of an ioctl's struct, as the contract's driver takes it. */
function layoutOf({ sizeFirst }: Call, ioctl: string): Layout {
  const { struct, argszFirst } = uapi.ioctls[ioctl]!;
  const name = sizeFirst ? argszFirst! : struct!;
  let layout = layouts.get(name);
  if (!layout) {
    const { fields } = uapi.structs[name]!;
    layout = {
      fields: new Map(fields.map((field) => [field.name, field])),
      padding: fields.filter(({ holds }) => holds === 'zero'),
    };
    layouts.set(name, layout);
  }
  return layout;
}

/** Whether all fields of padding are zero. */
function isPadded({ argumentBytes: view }: Call, { padding }: Layout): boolean {
  return padding.every((field) => read(view, field) === 0n);
}

/** The argument of BIND as far as it was read. */
export function bindData(call: Call): BindData {
  return call.decoded(decodeBind);
}

function decodeBind(call: Call): BindData {
  const layout = layoutOf(call, 'VFIO_IOMMU_BIND');
  const read = reader(call, layout);
  return {
    version: Number(read('version')),
    format: Number(read('format')),
    flags: read('data_flags'),
    gpgd: read('gpgd'),
    hpasid: read('hpasid'),
    gpasid: read('gpasid'),
    addressWidth: Number(read('addr_width')),
    vtdFlags: read('vtd_flags'),
    padded: isPadded(call, layout),
  };
}

/** The argument of CACHE_INVALIDATE as far as it was read. */
export function invalidation(call: Call): Invalidation {
  return call.decoded(decodeInvalidation);
}

function decodeInvalidation(call: Call): Invalidation {
  const layout = layoutOf(call, 'VFIO_IOMMU_CACHE_INVALIDATE');
  const read = reader(call, layout);
  return {
    version: Number(read('version')),
    cache: Number(read('cache')),
    granularity: Number(read('granularity')),
    padded: isPadded(call, layout),
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
