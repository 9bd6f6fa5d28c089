import { fromHex, toHex } from './integer.ts';
import { Problem } from './problem.ts';
import type { DeviceModel, Environment, Machine, NestingAbility, Slot } from './vocabulary.ts';

/** A machine with every property spelled out. */
export function spelledOut(machine: Machine): Required<Machine> {
  return {
    interruptRemapping: true,
    addressBits: 39,
    snoopControl: false,
    type1Module: true,
    nesting: 'none',
    ...machine,
  };
}

/** A short name that says how a machine differs from the default one. */
export function machineName(machine: Required<Machine>): string {
  const words = [
    machine.interruptRemapping ? '' : 'no-interrupt-remapping',
    machine.addressBits === 39 ? '' : `${machine.addressBits}-bit`,
    machine.snoopControl ? 'snoop-control' : '',
    machine.type1Module ? '' : 'no-type1',
    machine.nesting === 'none' ? '' : `nesting-${machine.nesting.replace('_', '-')}`,
  ].filter((word) => word !== '');
  return words.join('-') || 'default';
}

/**
 * The environment of the machine that kernels are booted on: an emulated Intel IOMMU, and edu devices. Slots may name those
 * of `emulatedModels`.
 */
export function emulatedEnvironment(machine: Required<Machine>, slots: Record<string, Slot>): Environment {
  const named = [...new Set(Object.values(slots).flatMap(({ model }) => (model === undefined ? [] : [model])))];
  return {
    id: machineName(machine),
    machine,
    slots,
    pageSize: 4096,
    apertureLast: `0x${((1n << BigInt(machine.addressBits)) - 1n).toString(16)}`,
    // Where a device's write is an interrupt.
    reserved: [{ first: '0xfee00000', last: '0xfeefffff' }],
    // 4 KiB, 2 MiB, 1 GiB.
    pageSizes: 0x40201000,
    userAddressEnd: '0x7ffffffff000',
    dmaEntryLimit: 65535,
    memlockExempt: true,
    // What the edu device drives and holds, unless told otherwise; a device with PASIDs drives all bits.
    dmaAddressBits: machine.nesting === 'none' ? 28 : 64,
    // QEMU before 8.2.1 ends at a transfer that includes the last of the device's 4096 bytes.
    dmaBufferBytes: 4095,
    device: machine.nesting === 'none' ? emulatedDevice : expressDevice,
    ...(named.length > 0 && { models: Object.fromEntries(named.map((name) => [name, emulatedModels[name]!])) }),
    ...(machine.nesting !== 'none' && { nesting: nestingAbility(machine.nesting === 'five_levels') }),
  };
}

/** Whether the devices of a slot are of a model that an emulated machine can have. */
export function emulates(machine: Required<Machine>, { model }: Slot): boolean {
  return model === undefined || (machine.nesting === 'none' && Object.hasOwn(emulatedModels, model));
}

/** What of an environment refers to a device model that it does not have, as a place and a clause; undefined if nothing. */
export function missingModel({
  slots,
  models = {},
}: Pick<Environment, 'slots' | 'models'>): { place: string; clause: string } | undefined {
  for (const [name, { model }] of Object.entries(slots))
    if (model !== undefined && !Object.hasOwn(models, model))
      return { place: `/slots/${name}/model`, clause: `is ${model}, which \`models\` does not have` };
  return undefined;
}

/** The IOMMU that walks five levels can do everything else, too; the other one nothing beyond. */
function nestingAbility(five: boolean): NestingAbility {
  return { levels: five ? 5 : 4, supervisorRequests: five, extendedAccess: five, memoryTypes: five };
}

/** Models that differ in their PASIDs alone, by the width of these. */
const byWidth = new WeakMap<DeviceModel, Map<number, DeviceModel>>();

/**
 * The model of the devices of a slot. On a machine that nests its capabilities for ATS, page requests and PASIDs tell how wide
 * a PASID they can send; without PASIDs it has none of the three. Throws a Problem where the environment lacks the model.
 */
export function deviceOf(environment: Environment, slot: Slot): DeviceModel {
  const { pasidBits = 20 } = slot;
  const model = modelOf(environment, slot);
  if (!environment.nesting || pasidBits === 20) return model;
  let widths = byWidth.get(model);
  if (!widths) {
    widths = new Map();
    byWidth.set(model, widths);
  }
  let found = widths.get(pasidBits);
  if (!found) {
    found = withPasids(model, pasidBits);
    widths.set(pasidBits, found);
  }
  return found;
}

function modelOf({ id, device, models = {} }: Environment, { model }: Slot): DeviceModel {
  if (model === undefined) return device;
  if (Object.hasOwn(models, model)) return models[model]!;
  throw new Problem(
    `environment ${id}: a slot has the device model ${model}, and \`models\` has none of that name; add it.`,
  );
}

function withPasids(model: DeviceModel, bits: number): DeviceModel {
  const config = fromHex(model.config);
  if (bits === 0) config.fill(0, extended.ats, extended.end);
  // Width in bits 8 to 12 of the capability register.
  else config[extended.pasid + 5] = bits;
  return { ...model, config: toHex(config) };
}

/** Where the extended capabilities are in config space; each is linked to the next. */
export const extended = { ats: 0x100, pageRequest: 0x110, pasid: 0x120, end: 0x128 } as const;

/** Bytes of config space, as hexadecimal text: zeros, but for what stands at an offset. */
function configBytes(parts: Record<number, string>, length = 256): string {
  const bytes = new Uint8Array(length);
  for (const [at, hex] of Object.entries(parts)) bytes.set(fromHex(hex), Number(at));
  return toHex(bytes);
}

const absent = { size: 0, flags: 0 };

/** The edu device behind vfio-pci. */
const emulatedDevice: DeviceModel = {
  regions: [{ size: 0x100000, flags: 7 }, ...[1, 2, 3, 4, 5, 6].map(() => absent), { size: 256, flags: 3 }],
  // INTx, MSI, MSI-X, none for errors (which conventional PCI cannot report), requests of the host.
  interrupts: [{ count: 1, flags: 7 }, { count: 1, flags: 9 }, { count: 0, flags: 9 }, null, { count: 1, flags: 9 }],
  config: configBytes({
    // Vendor, device, command, status, revision, class.
    0: '3412e8110301100010',
    10: 'ff',
    // Subsystem, first capability, interrupt line and pin, MSI capability.
    44: 'f41a0011',
    52: '40',
    60: '0b01',
    64: '05008000',
  }),
  // The device lets everything be written that is neither the header's nor the MSI capability's.
  configWritable: configBytes({ 4: '0705', 12: 'ff', 16: '0000f0ff', 60: 'ff', 78: 'ff'.repeat(178) }),
  // The address where its registers are, and the interrupt line.
  configUnknown: configBytes({ 16: '0000f0ff', 60: 'ff' }),
  // Source and destination of its transfers.
  registers: [
    { region: 0, at: 0x80, upper: 'ffffffff' },
    { region: 0, at: 0x88, upper: 'ffffffff' },
  ],
  interruptCause: { raise: 0x60, acknowledge: 0x64 },
};

const extendedBytes = 4096;

/** The same device as a PCI Express function with ATS, page requests and PASIDs of 20 bits. */
const expressDevice: DeviceModel = {
  ...emulatedDevice,
  regions: emulatedDevice.regions.map((region, i) => (i === 7 ? { ...region, size: extendedBytes } : region)),
  config: configBytes(
    {
      0: emulatedDevice.config,
      // Each: id, version 1 and the next one; then what it can do, and what is switched on.
      [extended.ats]: '0f000111' + '00000000',
      [extended.pageRequest]: '13000112' + '0000' + '0000' + '20000000' + '00000000',
      [extended.pasid]: '1b000100' + '0014' + '0000',
    },
    extendedBytes,
  ),
  configWritable: configBytes({ 0: emulatedDevice.configWritable }, extendedBytes),
  configUnknown: configBytes({ 0: emulatedDevice.configUnknown }, extendedBytes),
};

/**
 * What else the devices of a slot of an emulated machine may be, by name. `edu_express`: the device with the config space of
 * PCI Express, in which there is nothing more than in that of conventional PCI.
 */
export const emulatedModels: Readonly<Record<string, DeviceModel>> = {
  edu_express: withPasids(expressDevice, 0),
};
