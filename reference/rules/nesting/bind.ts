import { uapi } from '../../../spec/uapi/uapi.ts';
import type { BindCall } from '../../call/families.ts';
import { backendOf, containerOf } from '../../call/operands.ts';
import { turnsOutLost, unbindFrom } from '../../state/pasids.ts';
import { PASID_END } from '../../state/state.ts';
import { type Conditions, type Effects, has } from '../rule-functions.ts';
import { devicesOf } from './nesting.ts';

const { VFIO_IOMMU_BIND_GUEST_PGTBL: BIND, VFIO_IOMMU_UNBIND_GUEST_PGTBL: UNBIND } = uapi.flags.bind_flags as Record<
  string,
  number
>;
const KNOWN = BIND! | UNBIND!;
const HEADER = 8;
const { size } = uapi.structs.vfio_iommu_type1_bind!;
const VERSION = uapi.values.bind_version!.IOMMU_GPASID_BIND_VERSION_1;
const FORMAT = uapi.values.table_format!.IOMMU_PASID_FORMAT_INTEL_VTD;
const NEGATIVE = 2 ** 31;
const all = (set: string) => Object.values(uapi.flags[set]!).reduce((sum, flag) => sum | BigInt(flag), 0n);
const DATA_FLAGS = all('gpasid_bind_flags');
const VTD_FLAGS = all('gpasid_bind_vtd_flags');

const flags = ({ argument }: BindCall) => argument.flags & KNOWN;
const pasidOf = (call: BindCall) => call.world.pasids.get(Number(call.bind.data.hpasid));

export const conditions = {
  bind_is_absent: () => true,
  bind_argsz_below_header: ({ argument }) => argument.argsz < HEADER,
  bind_argsz_below_80: ({ argument }) => argument.argsz < size,
  bind_version_beyond_size_table: (call) => call.bind.data.version !== VERSION,
  bind_version_before_size_table: (call) => call.bind.data.version === 0 || call.bind.data.version >= NEGATIVE,
  bind_size_is_negative: (call) => call.bind.data.version !== VERSION,
  bind_not_one_flag_as_posted: (call) => flags(call) !== BIND && flags(call) !== UNBIND,
  bind_flag_bind: (call) => has(flags(call), BIND),
  bind_flag_unbind: (call) => has(flags(call), UNBIND),
  bind_without_domain: (call) => backendOf(call).domains.length === 0,
  bind_flag_unknown: ({ argument }) => (argument.flags & ~KNOWN) !== 0,
  bind_not_one_flag: (call) => flags(call) === 0 || flags(call) === KNOWN,
  bind_version_unknown: (call) => call.bind.data.version !== VERSION,
  bind_format_unknown: (call) => call.bind.data.format !== FORMAT,
  bind_data_flag_unknown: (call) =>
    (call.bind.data.flags & ~DATA_FLAGS) !== 0n || (call.bind.data.vtdFlags & ~VTD_FLAGS) !== 0n,
  bind_padding_not_zero: (call) => !call.bind.data.padded,
  bind_pasid_out_of_range: (call) => call.bind.data.hpasid === 0n || call.bind.data.hpasid >= BigInt(PASID_END),
  bind_of_unallocated: (call) => !pasidOf(call) && !turnsOutLost(call, Number(call.bind.data.hpasid)),
  bind_of_another_owner: (call) => pasidOf(call)!.owner !== backendOf(call).owner,
  bind_of_bound: (call) => {
    const bound = pasidOf(call)!.bound;
    return bound !== undefined && devicesOf(containerOf(call)).some((device) => bound.devices.has(device));
  },
} satisfies Conditions<BindCall>;

export const effects = {
  unbind_visits_every_device: (call) => {
    const pasid = Number(call.bind.data.hpasid);
    for (const device of devicesOf(containerOf(call))) unbindFrom(call.world, pasid, device);
  },
} satisfies Effects<BindCall>;
