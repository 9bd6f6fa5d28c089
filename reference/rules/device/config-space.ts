import { uapi } from '../../../spec/uapi/uapi.ts';
import type { RegionCall } from '../../call/families.ts';
import { openDeviceOf } from '../../call/operands.ts';
import { toConfig } from '../../memory/region-access.ts';
import type { ConfigField } from '../../state/config-space.ts';
import { type Conditions, type Effects, nothing } from '../rule-functions.ts';

const MSI = uapi.values.irq_index!.VFIO_PCI_MSI_IRQ_INDEX!;
/** Bits of the control register of MSI that a write cannot set: enable, and how many messages. */
const MSI_ENABLE = 0x01;
const MSI_MESSAGES = 0x70;

const device = (call: RegionCall) => openDeviceOf(call).device;
const space = (call: RegionCall) => device(call).space!;
const writes = (call: RegionCall, field: ConfigField) => space(call).fields[call.region.configByte!.at] === field;

export const conditions = {
  config_capability_outside_contract: (call) => writes(call, 'other_capability'),
  config_write_to_identity_is_dropped: (call) => writes(call, 'identity'),
  config_write_to_status_is_dropped: (call) => writes(call, 'status'),
  config_write_to_capability_list_is_dropped: (call) => writes(call, 'capability_list'),
  config_write_to_interrupt_pin_is_dropped: (call) => writes(call, 'interrupt_pin'),
  config_write_to_extended_capability_is_dropped: (call) => writes(call, 'read_only_capability'),
  config_write_to_command_reaches_device: (call) => writes(call, 'command'),
  config_write_to_timing_reaches_device: (call) => writes(call, 'timing'),
  config_write_to_base_address_is_masked: (call) => writes(call, 'base_address'),
  config_write_to_unassigned_bytes_reaches_device: (call) => writes(call, 'unassigned'),
  write_up_to_msi_control_sets_msi: (call) => {
    const at = msiControl(call);
    const { offset, width } = call.region.access!;
    return toConfig(call) && at >= 0 && offset >= at - 2 && offset <= at && offset + width >= at;
  },
  // The interrupt line, and the control register, address and data of MSI.
  config_write_is_virtualized: () => true,
} satisfies Conditions<RegionCall>;

export const effects = {
  config_write_to_identity_is_dropped: nothing,
  config_write_to_status_is_dropped: nothing,
  config_write_to_capability_list_is_dropped: nothing,
  config_write_to_interrupt_pin_is_dropped: nothing,
  config_write_to_extended_capability_is_dropped: nothing,
  config_write_to_command_reaches_device: (call) => write(call, writableBits(call)),
  config_write_to_timing_reaches_device: (call) => write(call, writableBits(call)),
  config_write_to_base_address_is_masked: (call) => write(call, writableBits(call)),
  write_up_to_msi_control_sets_msi: (call) => {
    const { config, interrupt } = device(call);
    const at = msiControl(call);
    config[at]! &= interrupt?.index === MSI ? ~MSI_MESSAGES : ~(MSI_MESSAGES | MSI_ENABLE);
    if (interrupt) interrupt.sends = (config[at]! & MSI_ENABLE) !== 0;
  },
  config_write_to_unassigned_bytes_reaches_device: (call) => {
    write(call, writableBits(call));
    const { at } = call.region.configByte!;
    device(call).leftovers.set(at, device(call).config[at]!);
  },
  config_write_is_virtualized: (call) => write(call, 0xff),
} satisfies Effects<RegionCall>;

/** Where the control register of MSI is; -1 if there is none. */
const msiControl = (call: RegionCall) => space(call).fields.indexOf('msi_control');

/** The bits of the byte under consideration that the device itself lets be written. */
function writableBits(call: RegionCall): number {
  return space(call).writable[call.region.configByte!.at]!;
}

/** Writes some bits of the byte under consideration. */
function write(call: RegionCall, bits: number): void {
  const { config, unknown } = device(call);
  const { at, value } = call.region.configByte!;
  config[at] = (config[at]! & ~bits) | (value & bits);
  unknown[at] = 0;
}
