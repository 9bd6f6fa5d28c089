// What vfio-conformd --probe finds, against what this adapter says of the machines that it makes.
import { describe, expect, it } from 'vitest';
import { validator } from '../../spec/uapi/validator.ts';
import type { Environment, Machine, Slot } from '../../spec/uapi/vocabulary.ts';
import type { GroupDevices } from './machine.ts';
import { inPlainGuest } from './test-guest.ts';

// A first run downloads a kernel.

interface Probed {
  environment: Environment;
  devices: Record<string, GroupDevices>;
}

const single: Slot = { devices: 1, viable: true };
const slots: Slot[] = [
  single,
  { devices: 3, viable: true },
  { devices: 2, viable: false },
  { ...single, resettable: true },
];

/** Bytes without the bits of others. */
function cleared(bytes: string, bits: string): string {
  const mask = Buffer.from(bits, 'hex');
  const rest = Buffer.from(bytes, 'hex').map((byte, at) => byte & ~mask[at]!);
  return Buffer.from(rest).toString('hex');
}

async function probed(version: string, machine: Machine): Promise<{ found: Probed; assumed: Environment }> {
  const guest = await inPlainGuest({ version, need: { machine, slots }, command: ['/vfio-conformd', '--probe'] });
  return { found: JSON.parse(guest.output), assumed: guest.machine.environment };
}

describe.each(['6.1', '6.12'])('on Linux %s', (version) => {
  it.each<[Machine]>([[{}], [{ addressBits: 48, snoopControl: true }]])(
    'it is the machine that the adapter takes it for: %j',
    async (machine) => {
      const { found, assumed } = await probed(version, machine);
      expect(validator('environment.schema.json')(found.environment)).toBe(true);
      // Each names them as it likes, and the order of groups is that of the kernel's numbers.
      const { id: _, slots: there, ...environment } = found.environment;
      const { id: __, slots: wanted, ...own } = assumed;
      // Bits that differ from machine to machine have no value: the probe shows zeros, the adapter the interrupt line of one.
      own.device = { ...own.device, config: cleared(own.device.config, own.device.configUnknown) };
      expect(environment).toEqual(own);
      const kinds = (all: Record<string, Slot>) =>
        Object.values(all)
          .map(({ devices, viable, resettable = false, dma, iommu }) => ({ devices, viable, resettable, dma, iommu }))
          .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      expect(kinds(there)).toEqual(kinds(wanted));
      expect(Object.keys(found.devices)).toEqual(Object.keys(there));
      for (const [name, { devices, bound_to_host_driver }] of Object.entries(found.devices)) {
        expect(devices).toHaveLength(there[name]!.devices);
        expect(bound_to_host_driver === undefined).toBe(there[name]!.viable);
      }
    },
  );
});
