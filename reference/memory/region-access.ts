import { toBigInt } from '../../spec/uapi/integer.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { DeviceRegister } from '../../spec/uapi/vocabulary.ts';
import type { RegionCall } from '../call/families.ts';
import { openDeviceOf } from '../call/operands.ts';
import type { Access } from './access.ts';

/** Size of a region of the open device, in bytes; undefined for one that cannot be asked for. */
export function sizeOf(call: RegionCall, region: number): bigint | undefined {
  const found = openDeviceOf(call).device.model.regions[region];
  return found && toBigInt(found.size);
}

/** Whether a pread or pwrite goes to config space. */
export const toConfig = (call: RegionCall): boolean => call.region.target.region === uapi.device.configRegion;

/** Widths of accesses, in bytes, by the widest that is made. */
const widths: Record<number, readonly number[]> = { 4: [4, 2, 1], 8: [8, 4, 2, 1] };
const CONFIG_WIDEST = 4;

/** The accesses that a transfer of `call.result` bytes is cut into, ascending. */
export function* accessesOf(call: RegionCall): Iterable<Access> {
  const { offset, address } = call.region.target;
  const blocks = toConfig(call) ? openDeviceOf(call).device.space!.blocks : undefined;
  const choice = widths[blocks ? CONFIG_WIDEST : call.region.widestAccess]!;
  for (let done = 0; done < call.result; ) {
    const at = offset + done;
    const fits = (width: number) =>
      at % width === 0 && done + width <= call.result && (!blocks || blocks[at] === blocks[at + width - 1]);
    const width = choice.find(fits)!;
    yield { offset: at, width, address: address + BigInt(done) };
    done += width;
  }
}

/** The register of 8 bytes of which an access meets a half or the whole, and its place in the model's list. */
export function registerAt(
  call: RegionCall,
  { offset, width }: Access,
): { index: number; register: DeviceRegister; half: 'lower' | 'upper' | 'whole' } | undefined {
  if (width < 4) return undefined;
  const { registers } = openDeviceOf(call).device.model;
  const { region } = call.region.target;
  const index = registers.findIndex((one) => one.region === region && one.at === offset - (offset % 8));
  if (index < 0) return undefined;
  return { index, register: registers[index]!, half: width === 8 ? 'whole' : offset % 8 === 0 ? 'lower' : 'upper' };
}

/** For each access of a pwrite: sets the call up for it. */
export function* writeAccesses(call: RegionCall): Iterable<void> {
  const { memory } = call.process;
  for (const access of accessesOf(call)) {
    const bytes = new Uint8Array(access.width);
    const readable = memory.accessible(access.address, access.width, 'read');
    memory.read(access.address, bytes, 0, readable);
    call.region.access = { ...access, bytes, readable };
    yield;
  }
}

/** For each byte of config space that the access under consideration writes: sets the call up for it. */
export function* configBytes(call: RegionCall): Iterable<void> {
  if (!toConfig(call)) return;
  const { offset, bytes } = call.region.access!;
  for (const [i, value] of bytes.entries()) {
    call.region.configByte = { at: offset + i, value };
    yield;
  }
}
