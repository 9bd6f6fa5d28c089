import type { DataLayout } from '../conformance/programs/nesting-ops.ts';
import { toBigInt } from '../spec/uapi/integer.ts';
import { type Struct, uapi } from '../spec/uapi/uapi.ts';
import type { IoctlOp, Name } from '../spec/uapi/vocabulary.ts';

/** What one of the ioctls of the 2020 nesting series asks for, as far as its argument says. */
export type CheckedRequest =
  | { kind: 'alloc' | 'free'; container: Name; pasid: bigint; max: bigint }
  | { kind: 'bind' | 'unbind'; container: Name; pasid: bigint; root: bigint; wellFormed: boolean }
  | { kind: 'invalidate'; container: Name; flush: Flush };

/** What CACHE_INVALIDATE names. */
export interface Flush {
  iotlb: boolean;
  deviceTlb: boolean;
  /** Undefined: of all PASIDs. */
  pasid?: bigint;
  /** Undefined: all addresses. [first, end). */
  range?: { first: bigint; end: bigint };
  leaf: boolean;
}

const { VFIO_IOMMU_PASID_FREE: FREE } = uapi.flags.pasid_request_flags as Record<string, number>;
const { VFIO_IOMMU_BIND_GUEST_PGTBL: BIND, VFIO_IOMMU_UNBIND_GUEST_PGTBL: UNBIND } = uapi.flags.bind_flags as Record<
  string,
  number
>;
const { IOMMU_INV_GRANU_DOMAIN: DOMAIN, IOMMU_INV_GRANU_ADDR: ADDR } = uapi.values.granularity as Record<
  string,
  number
>;
const { IOMMU_CACHE_INV_TYPE_IOTLB: IOTLB, IOMMU_CACHE_INV_TYPE_DEV_IOTLB: DEV_IOTLB } = uapi.flags
  .cache_types as Record<string, number>;
const { IOMMU_INV_ADDR_FLAGS_LEAF: LEAF, IOMMU_INV_ADDR_FLAGS_PASID: NAMES_PASID } = uapi.flags
  .invalidate_address_flags as Record<string, number>;
const VERSION = uapi.values.bind_version!.IOMMU_GPASID_BIND_VERSION_1!;
const FORMAT = uapi.values.table_format!.IOMMU_PASID_FORMAT_INTEL_VTD!;
const PASID_END = 1n << 20n;
const PAGE = 4096n;
/** Bytes of argsz and flags, after which the data begins. */
const HEADER = 8;

/** The request that an ioctl makes of a container; undefined for any other. `bytes` are those of its argument. */
export function requestOf({ fd, number }: IoctlOp, bytes: Uint8Array, layout: DataLayout): CheckedRequest | undefined {
  const [name, ioctl] = Object.entries(uapi.ioctls).find(
    ([, one]) => one.feature !== undefined && one.fd === 'container' && BigInt(one.number) === toBigInt(number),
  ) ?? ['', undefined];
  if (!ioctl) return undefined;
  const struct = uapi.structs[(layout === 'argsz_first' && ioctl.argszFirst) || ioctl.struct!]!;
  const field = reader(struct, bytes);
  const flags = Number(field('flags'));
  switch (name) {
    case 'VFIO_IOMMU_PASID_REQUEST':
      return { kind: flags & FREE! ? 'free' : 'alloc', container: fd, pasid: field('min'), max: field('max') };
    case 'VFIO_IOMMU_BIND':
      return {
        kind: (flags & (BIND! | UNBIND!)) === UNBIND! ? 'unbind' : 'bind',
        container: fd,
        pasid: field('hpasid'),
        root: field('gpgd'),
        wellFormed: isWellFormed(struct, bytes),
      };
    default:
      return { kind: 'invalidate', container: fd, flush: flushOf(field) };
  }
}

type Reader = (name: string) => bigint;

/** Reads a field of a struct; what is cut off or not there is 0. */
function reader({ fields }: Struct, bytes: Uint8Array): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (name) => {
    const field = fields.find((one) => one.name === name);
    if (!field || field.at + field.width > bytes.length) return 0n;
    if (field.width === 8) return view.getBigUint64(field.at, true);
    if (field.width === 4) return BigInt(view.getUint32(field.at, true));
    return BigInt(field.width === 2 ? view.getUint16(field.at, true) : view.getUint8(field.at));
  };
}

/** Whether BIND or UNBIND is as the header of the data says that it should be. */
function isWellFormed(struct: Struct, bytes: Uint8Array): boolean {
  const field = reader(struct, bytes);
  const flags = Number(field('flags'));
  return (
    bytes.length === struct.size &&
    field('argsz') >= BigInt(struct.size) &&
    (flags === BIND || flags === UNBIND) &&
    field('version') === BigInt(VERSION) &&
    field('format') === BigInt(FORMAT) &&
    struct.fields.every(({ name, holds }) => holds !== 'zero' || field(name) === 0n) &&
    struct.fields.every(({ name, holds }) => holds !== 'data_argsz' || field(name) >= BigInt(struct.size - HEADER)) &&
    field('data_flags') === 0n &&
    field('vtd_flags') === 0n &&
    field('hpasid') > 0n &&
    field('hpasid') < PASID_END
  );
}

function flushOf(field: Reader): Flush {
  const cache = Number(field('cache'));
  const granularity = Number(field('granularity'));
  const flags = Number(field('info_flags'));
  // Whoever names no PASID where one is needed names nothing.
  const names = granularity === DOMAIN || (flags & NAMES_PASID!) !== 0;
  // No bytes at all are one page.
  const bytes = field('granule_size') * field('nb_granules') || PAGE;
  return {
    iotlb: names && (cache & IOTLB!) !== 0,
    deviceTlb: names && (cache & (IOTLB! | DEV_IOTLB!)) !== 0,
    ...(granularity !== DOMAIN && { pasid: field('pasid') }),
    ...(granularity === ADDR && { range: { first: field('addr'), end: field('addr') + bytes } }),
    leaf: granularity === ADDR && (flags & LEAF!) !== 0,
  };
}
