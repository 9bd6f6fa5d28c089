import { toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { BindCall } from '../../call/families.ts';
import { turnsOutLost, unbindFrom } from '../../state/pasids.ts';
import { type AllocatedPasid, PASID_END } from '../../state/state.ts';
import { type Conditions, type Effects, nothing } from '../rule-functions.ts';
import { ability, DATA, dataSize, nests, PASID_BITS, pasidBits, readUpTo, visited } from './driver-call.ts';

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

/** How much of the data the IOMMU core of Linux 5.10 reads first; bytes. */
const LEAST_OF_BIND = 56;
const WHOLE_BIND = 72;

const inRange = (pasid: bigint) => pasid > 0n && pasid < BigInt(PASID_END);
/** The driver's parameter is an int. */
const unbound = (call: BindCall) => BigInt.asUintN(32, call.bind.data.hpasid);
const recordOf = (call: BindCall): AllocatedPasid | undefined => call.world.pasids.get(Number(call.bind.data.hpasid));
const unboundRecord = (call: BindCall): AllocatedPasid | undefined => call.world.pasids.get(Number(unbound(call)));
/** It is kept as an int, and compared as a number of 64 bits. */
const guestPasid = (call: BindCall) =>
  call.bind.data.flags & GPASID_VAL ? BigInt.asUintN(64, BigInt.asIntN(32, call.bind.data.gpasid)) : 0n;

export const conditions = {
  iommu_core_bind_reads_minsz: (call) => !call.copyIn(DATA, LEAST_OF_BIND),
  iommu_core_bind_argsz_too_small: (call) => dataSize(call) < LEAST_OF_BIND,
  iommu_core_bind_reads_data: (call) => !readUpTo(call, LEAST_OF_BIND, WHOLE_BIND),
  iommu_core_bind_version_unknown: (call) => call.bind.data.version !== VERSION,
  // The core lets 0 pass.
  iommu_core_bind_format_unknown: (call) => call.bind.data.format > FORMAT!,
  iommu_core_bind_flag_unknown: (call) => (call.bind.data.flags & ~GPASID_VAL) !== 0n,
  iommu_core_bind_padding_not_zero: (call) => !call.bind.data.padded,
  driver_bind_version_or_format: (call) => call.bind.data.version !== VERSION || call.bind.data.format !== FORMAT,
  driver_bind_format: (call) => call.bind.data.format !== FORMAT,
  driver_bind_size_too_small: (call) => dataSize(call) < WHOLE_BIND,
  driver_bind_vtd_flag_unknown: (call) => (call.bind.data.vtdFlags & ~VTD_FLAGS) !== 0n,
  driver_bind_device_is_not_pci: (call) => visited(call).slot.kind === 'platform',
  driver_bind_pasid_width_too_small: (call) => ability(call) === undefined || pasidBits(visited(call)) !== PASID_BITS,
  driver_bind_pasid_out_of_range: (call) => !inRange(call.bind.data.hpasid),
  driver_bind_five_levels_unsupported: (call) => call.bind.data.addressWidth === 57 && ability(call)?.levels !== 5,
  driver_bind_of_unallocated: (call) => !recordOf(call) && !turnsOutLost(call, Number(call.bind.data.hpasid)),
  driver_bind_of_unallocated_oopses: (call) => !recordOf(call) && !turnsOutLost(call, Number(call.bind.data.hpasid)),
  driver_bind_of_same_guest_pasid: (call) => {
    const bound = recordOf(call)?.bound;
    return bound !== undefined && bound.process === call.process && bound.guestPasid === call.bind.data.gpasid;
  },
  driver_bind_increments_users: (call) => recordOf(call)?.bound?.devices.has(visited(call)) === true,
  driver_bind_of_bound: (call) => recordOf(call)?.bound?.devices.has(visited(call)) === true,
  driver_bind_without_memory_oopses: (call) => call.allocationMayFail && call.chooser.choose(2, 0) === 1,
  driver_bind_without_memory: (call) => {
    if (!call.allocationMayFail || call.chooser.choose(2) === 0) return false;
    // One allocation was made to fail.
    call.allocationMayFail = false;
    return true;
  },
  nested_setup_domain_does_not_nest: (call) => !nests(call),
  nested_setup_entry_present: (call) => visited(call).pasidTable.has(Number(call.bind.data.hpasid)),
  nested_setup_address_width_unsupported: (call) => {
    const { addressWidth } = call.bind.data;
    return addressWidth !== 48 && (addressWidth !== 57 || ability(call)?.levels !== 5);
  },
  nested_setup_gpgd_beyond_address_width: (call) => call.bind.data.gpgd > toBigInt(call.world.environment.apertureLast),
  nested_setup_supervisor_requests_unsupported: (call) =>
    (call.bind.data.vtdFlags & BigInt(vtd.IOMMU_SVA_VTD_GPASID_SRE!)) !== 0n && !ability(call)!.supervisorRequests,
  nested_setup_extended_access_unsupported: (call) =>
    (call.bind.data.vtdFlags & BigInt(vtd.IOMMU_SVA_VTD_GPASID_EAFE!)) !== 0n && !ability(call)!.extendedAccess,
  nested_setup_memory_types_unsupported: (call) =>
    (call.bind.data.vtdFlags & MEMORY_TYPES) !== 0n && !ability(call)!.memoryTypes,
  nested_setup_memory_types_refused: (call) => (call.bind.data.vtdFlags & MEMORY_TYPES) !== 0n,
  driver_unbind_pasid_out_of_range: (call) => unbound(call) >= BigInt(PASID_END),
  driver_unbind_of_unallocated: (call) => !unboundRecord(call) && !turnsOutLost(call, Number(unbound(call))),
  driver_unbind_of_unbound: (call) => !unboundRecord(call)?.bound?.devices.has(visited(call)),
  driver_unbind_of_unbound_is_no_error: (call) => !unboundRecord(call)?.bound?.devices.has(visited(call)),
  driver_unbind_decrements_users: (call) => unboundRecord(call)!.bound!.devices.get(visited(call))!.uses > 1,
} satisfies Conditions<BindCall>;

export const effects = {
  driver_bind_increments_users: (call) => {
    recordOf(call)!.bound!.devices.get(visited(call))!.uses++;
  },
  driver_bind_sets_pasid_entry: (call) => {
    const { hpasid, gpgd, addressWidth } = call.bind.data;
    const record = recordOf(call)!;
    record.bound ??= { process: call.process, guestPasid: guestPasid(call), devices: new Map() };
    record.bound.devices.set(visited(call), { uses: 1, domain: call.visit.domain! });
    visited(call).pasidTable.set(Number(hpasid), { root: gpgd, levels: addressWidth === 57 ? 5 : 4 });
  },
  driver_unbind_of_unbound_is_no_error: nothing,
  driver_unbind_decrements_users: (call) => {
    unboundRecord(call)!.bound!.devices.get(visited(call))!.uses--;
  },
  driver_unbind_clears_pasid_entry: (call) => unbindFrom(call.world, Number(unbound(call)), visited(call)),
} satisfies Effects<BindCall>;
