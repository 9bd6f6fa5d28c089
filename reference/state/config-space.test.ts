import { expect, test } from 'vitest';
import { emulatedEnvironment, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import type { DeviceModel } from '../../spec/uapi/vocabulary.ts';
import { type ConfigField, configSpace } from './config-space.ts';

const { device } = emulatedEnvironment(spelledOut({}), {});

/** A device whose config space differs in some bytes. */
function deviceWith(parts: Record<number, string>): DeviceModel {
  const bytes = Buffer.alloc(256);
  for (const [at, hex] of Object.entries(parts)) bytes.write(hex, Number(at), 'hex');
  return { ...device, config: bytes.toString('hex') };
}

/** First byte and number of the bytes of a field. */
function rangeOf(model: DeviceModel, field: ConfigField): [number, number] {
  const { fields } = configSpace(model);
  return [fields.indexOf(field), fields.filter((one) => one === field).length];
}

/** Status with capabilities, the first at 0x40. */
const capabilities = { 6: '10', 52: '40' };

test('MSI with 64-bit addresses has 10 bytes of message, with 32-bit addresses 6', () => {
  expect(rangeOf(device, 'msi_message')).toEqual([0x44, 10]);
  expect(rangeOf(deviceWith({ ...capabilities, 64: '05000000' }), 'msi_message')).toEqual([0x44, 6]);
});

test('masks of MSI are another capability', () => {
  const model = deviceWith({ ...capabilities, 64: '05000001' });
  expect(rangeOf(model, 'other_capability')).toEqual([0x4a, 10]);
  expect(rangeOf(model, 'unassigned')).toEqual([0x54, 0x100 - 0x54]);
});

test('of a capability that is not known all is taken up to the next one that is', () => {
  const model = deviceWith({ ...capabilities, 52: '60', 64: '05008000', 96: '0140', 97: '40' });
  expect(rangeOf(model, 'msi_control')).toEqual([0x42, 1]);
  expect(rangeOf(model, 'unassigned')).toEqual([0x4e, 0x60 - 0x4e]);
  expect(rangeOf(model, 'other_capability')).toEqual([0x60, 0x100 - 0x60]);
});

test('without the bit of the status register there are no capabilities, and a chain that loops ends', () => {
  expect(rangeOf(deviceWith({ 52: '40', 64: '05000000' }), 'msi_control')).toEqual([-1, 0]);
  expect(rangeOf(deviceWith({ ...capabilities, 64: '0540' }), 'msi_control')).toEqual([0x42, 1]);
});
