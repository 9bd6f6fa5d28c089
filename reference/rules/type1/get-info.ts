import { toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { InfoCall } from '../../call/families.ts';
import { backendOf } from '../../call/operands.ts';
import { severalDevices, severalGroups, someCannotNest, someIsMediated } from '../nesting/nesting.ts';
import { type Conditions, type Contents, type Effects, nothing } from '../rule-functions.ts';

const { size: fixed } = uapi.structs.vfio_iommu_type1_info!;
/** The fixed part, the offset of the first capability, and padding. */
const WHOLE = 24;
/** The fixed part and the offset. */
const WITH_OFFSET = 20;
const CAPABILITY_HEADER = 8;
const NESTING_BYTES = 16;
const NESTING = uapi.values.nesting_capability!.VFIO_IOMMU_TYPE1_INFO_CAP_NESTING!;
const ASKS_FOR_PASIDS = uapi.values.nesting_capabilities!.VFIO_IOMMU_PASID_REQS!;
const FORMAT = uapi.values.table_format!.IOMMU_PASID_FORMAT_INTEL_VTD!;
const capabilities = uapi.values.iommu_info_capability!;
const flags = uapi.flags.iommu_info_flags!;

/** Adds a capability of version 1 to the chain; the offset of the next one is filled in when it is written. */
function add(call: InfoCall, id: number, bytes: number): DataView {
  const capability = new Uint8Array(bytes);
  const view = new DataView(capability.buffer);
  view.setUint16(0, id, true);
  view.setUint16(2, 1, true);
  call.info.chain.push(capability);
  return new DataView(capability.buffer, CAPABILITY_HEADER);
}

const chainBytes = ({ info: { chain } }: InfoCall) => chain.reduce((sum, { length }) => sum + length, 0);
const fits = (call: InfoCall) => call.argument.argsz >= WHOLE + chainBytes(call);

/** What lies between the reserved ranges, inclusive. */
function validRanges(call: InfoCall): [bigint, bigint][] {
  const { apertureLast, reserved } = call.world.environment;
  const ranges: [bigint, bigint][] = [];
  let first = 0n;
  for (const hole of reserved) {
    if (toBigInt(hole.first) > first) ranges.push([first, toBigInt(hole.first) - 1n]);
    first = toBigInt(hole.last) + 1n;
  }
  if (first <= toBigInt(apertureLast)) ranges.push([first, toBigInt(apertureLast)]);
  return ranges;
}

function tellAvailable(call: InfoCall, bytes: number): void {
  const { entryLimit, mappings } = backendOf(call);
  add(call, capabilities.VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL!, bytes).setUint32(0, entryLimit - mappings.size, true);
}

function header(call: InfoCall, length: number): Uint8Array {
  const bytes = new Uint8Array(WHOLE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, call.info.argsz, true);
  view.setUint32(4, flags.VFIO_IOMMU_INFO_PGSIZES! | flags.VFIO_IOMMU_INFO_CAPS!, true);
  view.setBigUint64(8, toBigInt(call.world.environment.pageSizes), true);
  view.setUint32(16, call.info.offset, true);
  return bytes.subarray(0, length);
}

export const conditions = {
  get_info_argsz_too_small: ({ argument }) => argument.argsz < fixed,
  get_info_without_domain: (call) => backendOf(call).domains.length === 0,
  get_info_without_domain_outside_contract: (call) => backendOf(call).domains.length === 0,
  get_info_of_nesting_type: (call) => backendOf(call).nesting,
  get_info_hides_nesting_from_second_group: severalGroups,
  get_info_hides_nesting_from_second_device: severalDevices,
  get_info_hides_nesting_without_driver: () => true,
  get_info_hides_nesting_from_mediated_device: someIsMediated,
  get_info_hides_nesting_from_device: someCannotNest,
  get_info_reports_nesting: () => true,
  get_info_chain_does_not_fit: (call) => !fits(call),
  get_info_chain_fits: fits,
} satisfies Conditions<InfoCall>;

/** What the container can do in two stages. */
function tellNesting(call: InfoCall, abilities: number): void {
  const body = add(call, NESTING, NESTING_BYTES);
  body.setUint32(0, abilities, true);
  body.setUint32(4, FORMAT, true);
}

export const effects = {
  get_info_reports_nesting_of_any_type: (call) => tellNesting(call, backendOf(call).nesting ? ASKS_FOR_PASIDS : 0),
  get_info_hides_nesting_from_second_group: nothing,
  get_info_hides_nesting_from_second_device: nothing,
  get_info_hides_nesting_without_driver: nothing,
  get_info_hides_nesting_from_mediated_device: nothing,
  get_info_hides_nesting_from_device: nothing,
  get_info_reports_nesting: (call) => tellNesting(call, ASKS_FOR_PASIDS),
  get_info_reports_migration: (call) => {
    const body = add(call, capabilities.VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION!, 32);
    body.setBigUint64(8, BigInt(call.world.environment.pageSize), true);
    body.setBigUint64(16, 1n << 28n, true);
  },
  get_info_reports_dma_avail_in_twelve_bytes: (call) => tellAvailable(call, 12),
  get_info_reports_dma_avail_in_sixteen_bytes: (call) => tellAvailable(call, 16),
  get_info_reports_iova_ranges: (call) => {
    const ranges = validRanges(call);
    const body = add(call, capabilities.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE!, 16 + 16 * ranges.length);
    body.setUint32(0, ranges.length, true);
    ranges.forEach(([first, last], i) => {
      body.setBigUint64(8 + 16 * i, first, true);
      body.setBigUint64(16 + 16 * i, last, true);
    });
  },
  get_info_chain_does_not_fit: (call) => {
    call.info.argsz = WHOLE + chainBytes(call);
    call.info.offset = 0;
  },
  get_info_chain_fits: (call) => {
    call.info.argsz = call.argument.argsz;
    call.info.offset = WHOLE;
  },
} satisfies Effects<InfoCall>;

export const contents = {
  get_info_writes_chain: (call) => {
    if (call.info.offset === 0) return undefined;
    let at = WHOLE;
    const { chain } = call.info;
    for (const [i, capability] of chain.entries()) {
      at += capability.length;
      new DataView(capability.buffer).setUint32(4, i + 1 < chain.length ? at : 0, true);
    }
    return {
      address: BigInt.asUintN(64, call.argument.value + BigInt(WHOLE)),
      bytes: Uint8Array.from(chain.flatMap((one) => [...one])),
    };
  },
  get_info_writes_sixteen_or_twenty: (call) => ({
    address: call.argument.value,
    bytes: header(call, call.argument.argsz < WITH_OFFSET ? fixed : WITH_OFFSET),
  }),
  get_info_writes_up_to_24: (call) => ({
    address: call.argument.value,
    bytes: header(call, Math.min(call.argument.argsz, WHOLE)),
  }),
} satisfies Contents<InfoCall>;
