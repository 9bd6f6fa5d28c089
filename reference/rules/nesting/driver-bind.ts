import { toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import { bindData, dataSize, type Invalidation, invalidation } from '../../call/argument-layout.ts';
import type { Call } from '../../call/call.ts';
import {
  ADDR,
  ALL_CACHES,
  DEV_IOTLB,
  DOMAIN,
  documented,
  type Granularities,
  hasUnknownInfoFlag,
  IOTLB,
  NAMES_PASID,
  PASID,
  PASID_CACHE,
} from '../../call/invalidation-request.ts';
import { backendOf } from '../../call/operands.ts';
import type { Device } from '../../state/device.ts';
import { turnsOutLost, unbindFrom } from '../../state/pasids.ts';
import { PASID_END, type Pasid } from '../../state/state.ts';
import { type Conditions, type Effects, has, nothing } from '../rule-functions.ts';
import { isMediated } from './nesting.ts';

const VERSION = uapi.values.bind_version!.IOMMU_GPASID_BIND_VERSION_1;
const FORMAT = uapi.values.table_format!.IOMMU_PASID_FORMAT_INTEL_VTD;
const vtd = uapi.flags.gpasid_bind_vtd_flags!;
const MEMORY_TYPES = BigInt(
  vtd.IOMMU_SVA_VTD_GPASID_CD! |
    vtd.IOMMU_SVA_VTD_GPASID_EMTE! |
    vtd.IOMMU_SVA_VTD_GPASID_PCD! |
    vtd.IOMMU_SVA_VTD_GPASID_PWT!,
);
const VTD_FLAGS = Object.values(vtd).reduce((sum, flag) => sum | BigInt(flag), 0n);
const GPASID_VAL = BigInt(uapi.flags.gpasid_bind_flags!.IOMMU_SVA_GPASID_VAL!);
const PASID_BITS = 20;
const PAGE_SHIFT = 12n;

const { IOMMU_INV_ADDR_FLAGS_LEAF: LEAF } = uapi.flags.invalidate_address_flags!;

/** Where the data starts, and how much of it the wrapper of Linux 5.10 reads first; bytes. */
const DATA = 8;
const LEAST_OF_BIND = 56;
const WHOLE_BIND = 72;
const LEAST_OF_INVALIDATE = 16;
const PASID_INVALIDATE = 32;
const WHOLE_INVALIDATE = 56;

/** Granularities that drivers take, by kind of cache. */
const v10: Granularities = {
  [IOTLB]: [PASID, ADDR],
  [DEV_IOTLB]: [DOMAIN, PASID],
  [PASID_CACHE]: [DOMAIN, PASID],
};
const v58: Granularities = { [IOTLB]: [PASID, ADDR], [DEV_IOTLB]: [ADDR], [PASID_CACHE]: [] };

const nesting = (call: Call) => backendOf(call).nesting;
const ability = (call: Call) => call.world.environment.nesting;
const device = (call: Call): Device => call.device!;
const bits = ({ slot }: Device) => slot.pasidBits ?? PASID_BITS;
const inRange = (pasid: bigint) => pasid > 0n && pasid < BigInt(PASID_END);
/** The driver's parameter is an int. */
const unbound = (call: Call) => BigInt.asUintN(32, bindData(call).hpasid);
const recordOf = (call: Call): Pasid | undefined => call.world.pasids.get(Number(bindData(call).hpasid));
const unboundRecord = (call: Call): Pasid | undefined => call.world.pasids.get(Number(unbound(call)));
/** It is kept as an int, and compared as a number of 64 bits. */
const guestPasid = (call: Call) =>
  bindData(call).flags & GPASID_VAL ? BigInt.asUintN(64, BigInt.asIntN(32, bindData(call).gpasid)) : 0n;
const pairIn = (call: Call, table: Granularities) => table[call.cacheType]!.includes(invalidation(call).granularity);
const finds = ({ granularity, flags }: Invalidation) => granularity !== DOMAIN && has(flags, NAMES_PASID);

/** A request that should name a PASID does not. */
function namesNoPasid(call: Call): boolean {
  const info = invalidation(call);
  return info.granularity !== DOMAIN && !finds(info);
}

/** Reads the data from a byte on up to its own size, or its greatest. */
function readUpTo(call: Call, from: number, most: number): boolean {
  const end = Math.min(dataSize(call), most);
  return end <= from || call.copyIn(DATA + from, end - from);
}

/** 4 KiB pages of an address range, as the hardware counts them: 2 to the power of the result. */
function order({ granuleSize, granules }: Invalidation): bigint {
  const pages = BigInt.asUintN(64, granuleSize * granules) >> PAGE_SHIFT;
  let result = 0n;
  while (1n << result < pages) result++;
  return result;
}

/** What an IOTLB or device TLB request covers: of a misaligned range the block around its first byte, or the one around its last, too. */
function coverage(info: Invalidation, whole: boolean) {
  if (info.granularity === DOMAIN) return {};
  const pasid = Number(BigInt.asUintN(32, info.pasid));
  if (info.pasid >= BigInt(PASID_END)) return undefined;
  if (info.granularity === PASID) return { pasid };
  const bytes = 1n << (order(info) + PAGE_SHIFT);
  const first = info.address & ~(bytes - 1n);
  const last = BigInt.asUintN(64, info.address + BigInt.asUintN(64, info.granuleSize * info.granules) - 1n);
  const blocks = whole && last > info.address && last >= first + bytes ? 2n : 1n;
  return {
    pasid,
    first,
    pages: (bytes >> PAGE_SHIFT) * blocks,
    leaf: has(info.flags, LEAF),
  };
}

function flush(call: Call, which: 'both' | 'device', whole = false): void {
  const what = coverage(invalidation(call), whole);
  if (!what) return;
  device(call).tlb.flush(what);
  if (which === 'both') call.domain!.cache.flush(what);
}

export const conditions = {
  driver_has_no_hooks: (call) => backendOf(call).domains.length > 0,
  wrapper_reads_least_of_bind: (call) => !call.copyIn(DATA, LEAST_OF_BIND),
  wrapper_bind_too_small: (call) => dataSize(call) < LEAST_OF_BIND,
  wrapper_reads_rest_of_bind: (call) => !readUpTo(call, LEAST_OF_BIND, WHOLE_BIND),
  wrapper_bind_version_unknown: (call) => bindData(call).version !== VERSION,
  // The core lets 0 pass.
  wrapper_bind_format_unknown: (call) => bindData(call).format > FORMAT!,
  wrapper_bind_flag_unknown: (call) => (bindData(call).flags & ~GPASID_VAL) !== 0n,
  wrapper_bind_padding_not_zero: (call) => !bindData(call).padded,
  wrapper_reads_least_of_invalidate: (call) => !call.copyIn(DATA, LEAST_OF_INVALIDATE),
  wrapper_invalidate_too_small: (call) => dataSize(call) < LEAST_OF_INVALIDATE,
  wrapper_invalidate_too_small_for_granularity: (call) => {
    const { granularity } = invalidation(call);
    return (
      (granularity === PASID && dataSize(call) < PASID_INVALIDATE) ||
      (granularity === ADDR && dataSize(call) < WHOLE_INVALIDATE)
    );
  },
  wrapper_reads_rest_of_invalidate: (call) => !readUpTo(call, LEAST_OF_INVALIDATE, WHOLE_INVALIDATE),
  wrapper_invalidate_version_unknown: (call) => invalidation(call).version !== VERSION,
  wrapper_invalidate_cache_unknown: (call) => (invalidation(call).cache & ~ALL_CACHES) !== 0,
  wrapper_invalidate_granularity_unknown: (call) => invalidation(call).granularity > ADDR,
  wrapper_invalidate_pair_senseless: (call) => {
    const { granularity, cache } = invalidation(call);
    return (granularity === ADDR && has(cache, PASID_CACHE)) || (granularity === DOMAIN && has(cache, DEV_IOTLB));
  },
  wrapper_invalidate_info_flag_unknown: hasUnknownInfoFlag,
  wrapper_invalidate_padding_not_zero: (call) => !invalidation(call).padded,

  driver_call_is_refused: (call) => {
    call.driverCalls++;
    const told = call.process.injections.find(({ fault, nth }) => fault === 'driver' && nth === call.driverCalls);
    if (told) call.errno = told.errno ?? 'EIO';
    return told !== undefined;
  },
  driver_finds_no_iommu: (call) => isMediated(device(call)),
  driver_bind_version_or_format: (call) => bindData(call).version !== VERSION || bindData(call).format !== FORMAT,
  driver_bind_format: (call) => bindData(call).format !== FORMAT,
  driver_bind_size_too_small: (call) => dataSize(call) < WHOLE_BIND,
  driver_bind_vtd_flag_unknown: (call) => (bindData(call).vtdFlags & ~VTD_FLAGS) !== 0n,
  driver_bind_device_is_not_pci: (call) => device(call).slot.kind === 'platform',
  driver_bind_pasids_are_too_narrow: (call) => ability(call) === undefined || bits(device(call)) !== PASID_BITS,
  driver_bind_pasid_out_of_range: (call) => !inRange(bindData(call).hpasid),
  driver_bind_without_five_levels: (call) => bindData(call).addressWidth === 57 && ability(call)?.levels !== 5,
  driver_bind_of_unallocated: (call) => !recordOf(call) && !turnsOutLost(call, Number(bindData(call).hpasid)),
  driver_bind_of_unallocated_faults: (call) => !recordOf(call) && !turnsOutLost(call, Number(bindData(call).hpasid)),
  driver_bind_of_same_guest_pasid: (call) => {
    const bound = recordOf(call)?.bound;
    return bound !== undefined && bound.process === call.process && bound.guestPasid === bindData(call).gpasid;
  },
  driver_bind_counts: (call) => recordOf(call)?.bound?.devices.has(device(call)) === true,
  driver_bind_of_bound: (call) => recordOf(call)?.bound?.devices.has(device(call)) === true,
  driver_bind_has_no_memory_and_faults: (call) => call.allocationMayFail && call.chooser.choose(2, 0) === 1,
  driver_bind_has_no_memory: (call) => {
    if (!call.allocationMayFail || call.chooser.choose(2) === 0) return false;
    // One allocation was told to fail.
    call.allocationMayFail = false;
    return true;
  },
  nested_setup_domain_does_not_nest: (call) => !nesting(call),
  nested_setup_entry_is_present: (call) => device(call).pasidTable.has(Number(bindData(call).hpasid)),
  nested_setup_address_width: (call) => {
    const { addressWidth } = bindData(call);
    return addressWidth !== 48 && (addressWidth !== 57 || ability(call)?.levels !== 5);
  },
  nested_setup_table_too_high: (call) => bindData(call).gpgd > toBigInt(call.world.environment.apertureLast),
  nested_setup_supervisor_requests: (call) =>
    (bindData(call).vtdFlags & BigInt(vtd.IOMMU_SVA_VTD_GPASID_SRE!)) !== 0n && !ability(call)!.supervisorRequests,
  nested_setup_extended_access: (call) =>
    (bindData(call).vtdFlags & BigInt(vtd.IOMMU_SVA_VTD_GPASID_EAFE!)) !== 0n && !ability(call)!.extendedAccess,
  nested_setup_memory_types_unsupported: (call) =>
    (bindData(call).vtdFlags & MEMORY_TYPES) !== 0n && !ability(call)!.memoryTypes,
  nested_setup_memory_types: (call) => (bindData(call).vtdFlags & MEMORY_TYPES) !== 0n,

  driver_unbind_pasid_out_of_range: (call) => unbound(call) >= BigInt(PASID_END),
  driver_unbind_of_unallocated: (call) => !unboundRecord(call) && !turnsOutLost(call, Number(unbound(call))),
  driver_unbind_of_unbound: (call) => !unboundRecord(call)?.bound?.devices.has(device(call)),
  driver_unbind_of_unbound_is_nothing: (call) => !unboundRecord(call)?.bound?.devices.has(device(call)),
  driver_unbind_counts: (call) => unboundRecord(call)!.bound!.devices.get(device(call))!.uses > 1,

  driver_invalidate_version: (call) => invalidation(call).version !== VERSION,
  driver_invalidate_domain_does_not_nest: (call) => !nesting(call),
  driver_invalidate_finds_no_iommu: (call) => isMediated(device(call)),
  driver_invalidate_device_is_not_pci: (call) => device(call).slot.kind === 'platform',
  driver_invalidate_device_has_no_ats: (call) => ability(call) === undefined || bits(device(call)) === 0,
  driver_invalidate_granularity_beyond_table: (call) => invalidation(call).granularity > ADDR,
  driver_invalidate_pair_v10: (call) => !pairIn(call, v10),
  driver_invalidate_pair_is_left_out: (call) => !pairIn(call, v58),
  driver_invalidate_pair: (call) => !pairIn(call, documented),
  driver_invalidate_finds_no_pasid: (call) => !finds(invalidation(call)),
  driver_invalidate_misaligned: (call) => {
    const info = invalidation(call);
    if (call.cacheType !== IOTLB || info.granularity !== ADDR || order(info) === 0n) return false;
    return (info.address & ((1n << (order(info) + PAGE_SHIFT)) - 1n)) !== 0n;
  },
  driver_invalidate_without_pasid: namesNoPasid,
  driver_invalidate_takes_pasid_0: namesNoPasid,
  driver_invalidate_flushes_translations: ({ cacheType }) => cacheType === IOTLB,
  driver_invalidate_flushes_device: ({ cacheType }) => cacheType === DEV_IOTLB,
  driver_invalidate_flushes_all_translations: ({ cacheType }) => cacheType === IOTLB,
  driver_invalidate_flushes_all_of_device: ({ cacheType }) => cacheType === DEV_IOTLB,
} satisfies Conditions;

export const effects = {
  driver_bind_counts: (call) => {
    recordOf(call)!.bound!.devices.get(device(call))!.uses++;
  },
  driver_bind_enters_table: (call) => {
    const { hpasid, gpgd, addressWidth } = bindData(call);
    const record = recordOf(call)!;
    record.bound ??= { process: call.process, guestPasid: guestPasid(call), devices: new Map() };
    record.bound.devices.set(device(call), { uses: 1, domain: call.domain! });
    device(call).pasidTable.set(Number(hpasid), { root: gpgd, levels: addressWidth === 57 ? 5 : 4 });
  },
  driver_unbind_of_unbound_is_nothing: nothing,
  driver_unbind_counts: (call) => {
    unboundRecord(call)!.bound!.devices.get(device(call))!.uses--;
  },
  driver_unbind_clears_table: (call) => unbindFrom(call.world, Number(unbound(call)), device(call)),
  driver_invalidate_takes_pasid_0: nothing,
  driver_invalidate_flushes_translations: (call) => flush(call, 'both'),
  driver_invalidate_flushes_device: (call) => flush(call, 'device'),
  driver_invalidate_flushes_all_translations: (call) => flush(call, 'both', true),
  driver_invalidate_flushes_all_of_device: (call) => flush(call, 'device', true),
} satisfies Effects;
