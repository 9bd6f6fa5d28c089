import type { DeviceModel, Environment, Machine, Slot } from './vocabulary.ts';

/** A machine with every property spelled out. */
export function spelledOut(machine: Machine): Required<Machine> {
  return { interruptRemapping: true, addressBits: 39, snoopControl: false, type1Module: true, ...machine };
}

/** A short name that says how a machine differs from the default one. */
export function machineName(machine: Required<Machine>): string {
  const words = [
    machine.interruptRemapping ? '' : 'no-interrupt-remapping',
    machine.addressBits === 39 ? '' : `${machine.addressBits}-bit`,
    machine.snoopControl ? 'snoop-control' : '',
    machine.type1Module ? '' : 'no-type1',
  ].filter((word) => word !== '');
  return words.join('-') || 'default';
}

/** The environment of the machine that kernels are booted on: an emulated Intel IOMMU, and edu devices. */
export function emulatedEnvironment(machine: Required<Machine>, slots: Record<string, Slot>): Environment {
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
    // What the edu device drives and holds, unless told otherwise.
    dmaAddressBits: 28,
    dmaBufferBytes: 4096,
    device: emulatedDevice,
  };
}

/** Bytes of config space, as hexadecimal text: zeros, but for what stands at an offset. */
function configBytes(parts: Record<number, string>): string {
  const bytes = Buffer.alloc(256);
  for (const [at, hex] of Object.entries(parts)) bytes.write(hex, Number(at), 'hex');
  return bytes.toString('hex');
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
