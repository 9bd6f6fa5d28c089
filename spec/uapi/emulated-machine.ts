import type { Environment, Machine, Slot } from './vocabulary.ts';

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
    dmaEntryLimit: 65535,
    memlockExempt: true,
    // What the edu device drives and holds, unless told otherwise.
    dmaAddressBits: 28,
    dmaBufferBytes: 4096,
  };
}
