import { toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { IoctlCall } from '../../call/families.ts';
import { openDeviceOf } from '../../call/operands.ts';
import type { Conditions, Contents } from '../rule-functions.ts';

const { vfio_device_info, vfio_region_info, vfio_irq_info } = uapi.structs as Record<string, { size: number }>;
const { VFIO_DEVICE_FLAGS_PCI: PCI, VFIO_DEVICE_FLAGS_RESET: RESET } = uapi.flags.device_flags as Record<
  string,
  number
>;
/** DEVICE_GET_INFO: the fixed part, the offset of the first capability, and padding. */
const WHOLE_INFO = 24;
/** The fixed part and the offset. */
const INFO_WITH_OFFSET = 20;
/** Where GET_REGION_INFO and GET_IRQ_INFO have their index. */
const INDEX = 8;

/** The argument as far as it was read, to be filled in. */
function argument(call: IoctlCall, size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = call.argument.bytes.slice(0, size);
  return { bytes, view: new DataView(bytes.buffer) };
}

const index = (call: IoctlCall) => argument(call, INDEX + 4).view.getUint32(INDEX, true);
const model = (call: IoctlCall) => openDeviceOf(call).device.model;
const resettable = (call: IoctlCall) => openDeviceOf(call).group.slot.resettable;

/** What DEVICE_GET_INFO reports; this device has no capabilities. */
function info(call: IoctlCall, length: number): { address: bigint; bytes: Uint8Array } {
  const { bytes, view } = argument(call, WHOLE_INFO);
  view.setUint32(4, PCI! | (resettable(call) ? RESET! : 0), true);
  view.setUint32(8, uapi.device.regionCount, true);
  view.setUint32(12, uapi.device.interruptCount, true);
  bytes.fill(0, vfio_device_info!.size);
  return { address: call.argument.value, bytes: bytes.subarray(0, length) };
}

export const conditions = {
  device_info_argsz_too_small: ({ argument }) => argument.argsz < vfio_device_info!.size,
  region_info_argsz_too_small: ({ argument }) => argument.argsz < vfio_region_info!.size,
  region_info_index_unknown: (call) => model(call).regions[index(call)] === undefined,
  irq_info_argsz_too_small: ({ argument }) => argument.argsz < vfio_irq_info!.size,
  irq_info_index_unknown: (call) => (model(call).interrupts[index(call)] ?? null) === null,
  reset_not_supported: (call) => !resettable(call),
} satisfies Conditions<IoctlCall>;

export const contents = {
  device_info_writes_sixteen_or_twenty: (call) =>
    info(call, call.argument.argsz < INFO_WITH_OFFSET ? vfio_device_info!.size : INFO_WITH_OFFSET),
  device_info_writes_up_to_24: (call) => info(call, Math.min(call.argument.argsz, WHOLE_INFO)),
  region_info_is_written: (call) => {
    const { bytes, view } = argument(call, vfio_region_info!.size);
    const { flags, size } = model(call).regions[index(call)]!;
    view.setUint32(4, Number(flags), true);
    view.setBigUint64(16, toBigInt(size), true);
    view.setBigUint64(24, BigInt(index(call)) * BigInt(uapi.device.regionStride), true);
    return { address: call.argument.value, bytes };
  },
  irq_info_is_written: (call) => {
    const { bytes, view } = argument(call, vfio_irq_info!.size);
    const { flags, count } = model(call).interrupts[index(call)]!;
    view.setUint32(4, Number(flags), true);
    view.setUint32(12, count, true);
    return { address: call.argument.value, bytes };
  },
} satisfies Contents<IoctlCall>;
