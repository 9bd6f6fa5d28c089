import { fromHex, toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { RegionCall } from '../../call/families.ts';
import { openDeviceOf, opOf } from '../../call/operands.ts';
import type { UnspecifiedBytes } from '../../call/unspecified-bytes.ts';
import type { Access } from '../../memory/access.ts';
import { accessesOf, registerAt, sizeOf, toConfig } from '../../memory/region-access.ts';
import { PAGE } from '../../memory/user-memory.ts';
import type { Conditions, Contents, Effects } from '../rule-functions.ts';

const STRIDE = BigInt(uapi.device.regionStride);
const MAPPABLE = uapi.flags.region_flags!.VFIO_REGION_INFO_FLAG_MMAP!;
const LAST_OFFSET = (1n << 63n) - 1n;

const device = (call: RegionCall) => openDeviceOf(call).device;
const size = (call: RegionCall) => sizeOf(call, call.region.target.region);
const offset = (call: RegionCall) => toBigInt(opOf(call, 'pread', 'pwrite', 'seek').offset);
const mapOffset = (call: RegionCall) => toBigInt(opOf(call, 'mmap').offset ?? 0);
const mapRegion = (call: RegionCall) => Number(mapOffset(call) / STRIDE);

export const conditions = {
  access_at_negative_offset: (call) => offset(call) > LAST_OFFSET,
  read_of_write_only_descriptor: ({ mode }) => mode === 'write',
  write_of_read_only_descriptor: ({ mode }) => mode === 'read',
  access_to_other_file_outside_contract: (call) => call.object!.kind === 'foreign',
  access_of_descriptor_without_regions: (call) => call.object!.kind !== 'device',
  access_of_zero_bytes: (call) => opOf(call, 'pread', 'pwrite').length === 0,
  access_to_unknown_region: (call) => size(call) === undefined,
  access_to_absent_region: (call) => size(call) === 0n,
  rom_access_outside_contract: (call) => call.region.target.region === uapi.device.romRegion,
  config_access_past_the_end: (call) => {
    const { offset, length } = call.region.target;
    return toConfig(call) && BigInt(offset + length) > size(call)!;
  },
  bar_access_is_four_bytes_wide: (call) => !toConfig(call),
  bar_access_is_eight_bytes_wide: (call) => !toConfig(call),
  bar_access_past_the_end: (call) => BigInt(call.region.target.offset) >= size(call)!,
  bar_read_without_memory_decode: (call) => !toConfig(call) && !device(call).memoryDecode,
  pwrite_reads_memory: (call) => call.region.access!.readable < call.region.access!.width,
  bar_write_without_memory_decode: (call) => !toConfig(call) && !device(call).memoryDecode,
  register_keeps_eight_bytes: (call) => registerAt(call, call.region.access!)?.half === 'whole',
  register_keeps_lower_half: (call) => registerAt(call, call.region.access!)?.half === 'lower',
  mmap_offset_not_page_aligned: (call) => mapOffset(call) % BigInt(PAGE) !== 0n,
  mmap_not_permitted_by_mode: (call) =>
    call.mode === 'write' ||
    (call.mode === 'read' && ['read-write', 'write'].includes(opOf(call, 'mmap').protection ?? 'read-write')),
  mmap_of_descriptor_without_regions: (call) => call.object!.kind !== 'device',
  mmap_of_unknown_region: (call) => sizeOf(call, mapRegion(call)) === undefined,
  mmap_of_region_that_cannot_be_mapped: (call) =>
    (toBigInt(device(call).model.regions[mapRegion(call)]!.flags) & BigInt(MAPPABLE)) === 0n,
  mmap_past_the_end: (call) =>
    (mapOffset(call) % STRIDE) + BigInt(opOf(call, 'mmap').length) > sizeOf(call, mapRegion(call))!,
} satisfies Conditions<RegionCall>;

export const effects = {
  access_ends_with_region: (call) => {
    const { offset, length } = call.region.target;
    call.result = Math.min(length, Number(size(call)!) - offset);
  },
  bar_access_is_four_bytes_wide: (call) => {
    call.region.widestAccess = 4;
  },
  bar_access_is_eight_bytes_wide: (call) => {
    call.region.widestAccess = 8;
  },
  register_keeps_eight_bytes: keep,
  register_keeps_lower_half: keep,
} satisfies Effects<RegionCall>;

export const contents = {
  pread_writes_memory: (call) => {
    const { address } = call.region.target;
    const bytes = new Uint8Array(call.result);
    // Where nobody knows what is read, memory stays as it is until the trace says.
    const { memory } = call.process;
    memory.read(address, bytes, 0, memory.accessible(address, bytes.length, 'write'));
    const unknown: UnspecifiedBytes[] = [];
    for (const access of accessesOf(call)) {
      for (const [i, { known, learn }] of read(call, access).entries()) {
        const at = access.address + BigInt(i);
        if (known !== undefined) bytes[Number(at - address)] = known;
        else unknown.push({ address: at, length: 1, ...(learn && { learn: ([byte]) => learn(byte!) }) });
      }
    }
    call.unspecified = unknown;
    return { address, bytes };
  },
} satisfies Contents<RegionCall>;

/** Puts what the access under consideration writes into its register; without an upper half that is zeros. */
function keep(call: RegionCall): void {
  const { bytes } = call.region.access!;
  const { index } = registerAt(call, call.region.access!)!;
  for (let i = 0; i < 8; i++) device(call).registers.set(index * 8 + i, bytes[i] ?? 0);
}

/** A byte that is read: what is known of it, or else what becomes of it once it is. */
interface ReadByte {
  known: number | undefined;
  learn?: (byte: number) => void;
}

/** The bytes that an access reads. */
function read(call: RegionCall, access: Access): ReadByte[] {
  const { offset, width } = access;
  const { cause, config, unknown, registers } = device(call);
  const places = [...Array(width).keys()];
  if (toConfig(call)) {
    return places.map((i): ReadByte => {
      const at = offset + i;
      // While the device asks for attention, a bit there may say so: that is between the device and its line.
      if (at === uapi.device.statusRegister && cause !== 0) return { known: undefined };
      const learn = (byte: number) => {
        config[at] = byte;
        unknown[at] = 0;
      };
      return { known: unknown[at] ? undefined : config[at], learn };
    });
  }
  const found = registerAt(call, access);
  if (!found) return places.map(() => ({ known: undefined }));
  const { index, register, half } = found;
  if (half === 'upper') return [...fromHex(register.upper)].map((known) => ({ known }));
  return places.map((i) => ({
    known: registers.get(index * 8 + i),
    learn: (byte) => {
      registers.set(index * 8 + i, byte);
    },
  }));
}
