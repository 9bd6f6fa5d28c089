import { fromBigInt } from '../../spec/uapi/integer.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { DmaOp, IoctlOp, Name, Op, Pasid } from '../../spec/uapi/vocabulary.ts';
import { argumentAt, getInfo, ioctlValue, layOut, number, pattern, type Value } from './build.ts';

/** How the data of a request is laid out: as in Linux 5.5 to 5.9, or as in 5.10. */
export type DataLayout = 'version_first' | 'argsz_first';

/** The layout that an IOMMU driver takes; the parameters are those of a contract. */
export const layoutOf = ({ driver }: Record<string, string>): DataLayout =>
  driver === 'v5.10' ? 'argsz_first' : 'version_first';

const pasidFlags = uapi.flags.pasid_request_flags!;
const bindFlags = uapi.flags.bind_flags!;
const addressFlags = uapi.flags.invalidate_address_flags!;
const PAGE = 4096;

/** Caches that CACHE_INVALIDATE names; they can be combined. */
export const cache = {
  iotlb: uapi.flags.cache_types!.IOMMU_CACHE_INV_TYPE_IOTLB!,
  device: uapi.flags.cache_types!.IOMMU_CACHE_INV_TYPE_DEV_IOTLB!,
  pasid: uapi.flags.cache_types!.IOMMU_CACHE_INV_TYPE_PASID!,
};

/** How much of them. */
export const granularity = {
  domain: uapi.values.granularity!.IOMMU_INV_GRANU_DOMAIN!,
  pasid: uapi.values.granularity!.IOMMU_INV_GRANU_PASID!,
  address: uapi.values.granularity!.IOMMU_INV_GRANU_ADDR!,
};

/** Fields of a struct by name, in place of what a builder would give them. */
type Fields<Field extends string> = { [field in Field]?: Value };
type Header = 'argsz' | 'flags';
type PasidFields = Fields<Header | 'min' | 'max' | 'result'>;
type BindFields = Fields<
  | Header
  | 'data_argsz'
  | 'version'
  | 'format'
  | 'data_flags'
  | 'gpgd'
  | 'hpasid'
  | 'gpasid'
  | 'addr_width'
  | 'padding_0'
  | 'padding_4'
  | 'padding_8'
  | 'vtd_flags'
  | 'pat'
  | 'emt'
>;
type InvalidateFields = Fields<
  | Header
  | 'data_argsz'
  | 'version'
  | 'padding'
  | 'padding_0'
  | 'padding_2'
  | 'info_flags'
  | 'archid'
  | 'granule_size'
  | 'nb_granules'
>;

/** PASID_REQUEST that allocates a PASID of [min, max], and saves it as `as`. */
export function allocPasid(container: Name, as: Name, min = 1, max = 1000, fields: PasidFields = {}): IoctlOp {
  const flags = pasidFlags.VFIO_IOMMU_PASID_ALLOC!;
  const op = request(container, 'VFIO_IOMMU_PASID_REQUEST', { argsz: 20, flags, min, max, ...fields });
  return { ...op, save: [{ name: as, at: 16, width: 4 }] };
}

/** PASID_REQUEST that frees a PASID. */
export function freePasid(container: Name, pasid: Value, fields: PasidFields = {}): IoctlOp {
  const flags = pasidFlags.VFIO_IOMMU_PASID_FREE!;
  return request(container, 'VFIO_IOMMU_PASID_REQUEST', { argsz: 20, flags, min: pasid, ...fields });
}

/** What BIND binds; other fields of its struct by their names. */
export type Table = BindFields & {
  pasid: Value;
  /** Address of the root table, as the guest sees it. */
  root: number | bigint;
  levels?: 4 | 5;
};

/** BIND of a guest page table. */
export function bindTable(
  container: Name,
  { pasid, root, levels = 4, ...fields }: Table,
  layout: DataLayout = 'version_first',
): IoctlOp {
  const flags = bindFlags.VFIO_IOMMU_BIND_GUEST_PGTBL!;
  const table = { gpgd: root, hpasid: pasid, addr_width: levels === 5 ? 57 : 48 };
  return request(container, 'VFIO_IOMMU_BIND', { ...bindHeader, flags, ...table, ...fields }, layout);
}

/** BIND that unbinds a PASID; what else it carries is as of an ordinary BIND. */
export function unbindTable(
  container: Name,
  pasid: Value,
  fields: BindFields = {},
  layout: DataLayout = 'version_first',
): IoctlOp {
  const flags = bindFlags.VFIO_IOMMU_UNBIND_GUEST_PGTBL!;
  return request(container, 'VFIO_IOMMU_BIND', { ...bindHeader, flags, hpasid: pasid, ...fields }, layout);
}

const bindHeader = {
  argsz: uapi.structs.vfio_iommu_type1_bind!.size,
  data_argsz: 72,
  version: uapi.values.bind_version!.IOMMU_GPASID_BIND_VERSION_1!,
  format: uapi.values.table_format!.IOMMU_PASID_FORMAT_INTEL_VTD!,
  addr_width: 48,
};

/** What CACHE_INVALIDATE is to flush; other fields of its struct by their names. */
export type InvalidationFields = InvalidateFields & {
  /** One of `cache`, or several; the IOTLB if not given. */
  cache?: number;
  /** One of `granularity`: of a PASID if not given, or of addresses if there is one. */
  granularity?: number;
  pasid?: Value;
  addr?: number | bigint;
  /** Of 4 KiB; 1 if not given. */
  pages?: number;
  /** Only the last entries of walks. */
  leaf?: boolean;
};

/** CACHE_INVALIDATE. Without a PASID the flag for one is clear. */
export function invalidate(
  container: Name,
  { cache: caches, granularity: how, pasid, addr, pages = 1, leaf = false, ...fields }: InvalidationFields,
  layout: DataLayout = 'version_first',
): IoctlOp {
  const byAddress = addr !== undefined;
  const struct = uapi.ioctls.VFIO_IOMMU_CACHE_INVALIDATE![layout === 'argsz_first' ? 'argszFirst' : 'struct']!;
  const values = {
    argsz: uapi.structs[struct]!.size,
    data_argsz: 56,
    version: uapi.values.cache_invalidate_version!.IOMMU_CACHE_INVALIDATE_INFO_VERSION_1!,
    cache: caches ?? cache.iotlb,
    granularity: how ?? (byAddress ? granularity.address : granularity.pasid),
    info_flags:
      (pasid === undefined ? 0 : addressFlags.IOMMU_INV_ADDR_FLAGS_PASID!) |
      (leaf ? addressFlags.IOMMU_INV_ADDR_FLAGS_LEAF! : 0),
    pasid: pasid ?? 0,
    ...(byAddress && { addr, granule_size: PAGE, nb_granules: pages }),
  };
  return request(container, 'VFIO_IOMMU_CACHE_INVALIDATE', { ...values, ...fields }, layout);
}

/** A request whose argument is at the start of the memory `arg`. Fields that the layout lacks are left out. */
function request(
  container: Name,
  name: string,
  values: Record<string, Value>,
  layout: DataLayout = 'version_first',
): IoctlOp {
  const { struct, argszFirst } = uapi.ioctls[name]!;
  const block = layOut((layout === 'argsz_first' && argszFirst) || struct!, values);
  return { op: 'ioctl', fd: container, number: number(name), argument: argumentAt('arg', 0, block) };
}

/** The same request with its argument at the end of the page `arg`, so that only the first `readable` bytes are there. */
export function cutOff(op: IoctlOp, readable: number): IoctlOp {
  if (!('memory' in op.argument)) throw new Error('an argument that is a value has no end');
  const { bytes = '', relocations = [] } = op.argument;
  const block = {
    bytes: bytes.slice(0, 2 * readable),
    relocations: relocations.filter(({ at, width }) => at + width <= readable),
  };
  return { ...op, argument: argumentAt('arg', PAGE - readable, block) };
}

/** A device reads memory into its buffer with a PASID. */
export const taggedIn = (device: Name, pasid: Value, iova: number | bigint, length: number, at = 0): DmaOp => ({
  op: 'dma',
  device,
  direction: 'from-memory',
  iova: fromBigInt(BigInt(iova)),
  length,
  at,
  pasid: asPasid(pasid),
});

/** A device writes its buffer to memory with a PASID. */
export const taggedOut = (device: Name, pasid: Value, iova: number | bigint, length: number, at = 0): DmaOp => ({
  ...taggedIn(device, pasid, iova, length, at),
  direction: 'to-memory',
});

function asPasid(pasid: Value): Pasid {
  if (typeof pasid !== 'object') return fromBigInt(BigInt(pasid));
  const { ref, add } = pasid;
  return add === undefined ? { ref } : { ref, add: fromBigInt(BigInt(add)) };
}

/** GET_INFO with room for all capabilities, the one for nesting among them. */
export const nestingInfo = (container: Name, into: Name): Op => getInfo(container, into, 256);

/** CHECK_EXTENSION that asks for the version of the nesting uapi. */
export const checkNestingUapi = (container: Name): Op =>
  ioctlValue(container, 'VFIO_CHECK_EXTENSION', uapi.values.nesting_extension!.VFIO_NESTING_IOMMU_UAPI!);

/** Sixteen bytes at the start of a page that show which page it is. */
export const mark = (memory: Name, page: number): Op => pattern(memory, page * PAGE, MARK, 16 * page + 1);

/** Length of a mark. */
export const MARK = 16;
