import { type EduDevice, REGISTER_BYTES } from '../devices/edu-device.ts';
import { VirtualConfigSpace } from '../devices/virtual-config-space.ts';
import type { Process } from '../files/file-table.ts';
import type { Result } from '../result.ts';
import { COPY_FROM_USER, COPY_TO_USER, type Steps } from '../steps.ts';

/** Bytes of the widest access of the bus: no more is on its way between a region and user space at once. */
const BUS_BYTES = 8;

/** The registers of a device, as its driver gets at them. */
export interface Registers {
  readonly edu: EduDevice;
  readonly config: VirtualConfigSpace;
  /** Bytes of the widest access. */
  readonly widest: number;
}

/** Reads configuration space, access by access. */
export function* readConfig(
  config: VirtualConfigSpace,
  process: Process,
  at: number,
  address: number,
  length: number,
): Steps<Result> {
  const carried = new Uint8Array(BUS_BYTES);
  for (let done = 0; done < length; ) {
    if (at + length > config.size) return 'EFAULT';
    const count = VirtualConfigSpace.chunk(at + done, length - done);
    config.load(at + done, count, carried);
    if (yield COPY_TO_USER) return 'EFAULT';
    if (!process.mm.copyBytesToUser(address + done, carried, count)) return 'EFAULT';
    done += count;
  }
  return length;
}

/** Writes configuration space, access by access. */
export function* writeConfig(
  config: VirtualConfigSpace,
  process: Process,
  at: number,
  address: number,
  length: number,
): Steps<Result> {
  const carried = new Uint8Array(BUS_BYTES);
  for (let done = 0; done < length; ) {
    if (at + length > config.size) return 'EFAULT';
    const count = VirtualConfigSpace.chunk(at + done, length - done);
    if (yield COPY_FROM_USER) return 'EFAULT';
    if (!process.mm.loadFromUser(address + done, count, carried)) return 'EFAULT';
    config.store(at + done, count, carried);
    done += count;
  }
  return length;
}

/** Reads registers, in accesses as wide as they can be, up to the end of the region. */
export function* readRegisters(
  { edu, config, widest }: Registers,
  process: Process,
  at: number,
  address: number,
  length: number,
): Steps<Result> {
  if (at >= REGISTER_BYTES) return 'EINVAL';
  const end = Math.min(length, REGISTER_BYTES - at);
  const carried = new Uint8Array(BUS_BYTES);
  for (let done = 0; done < end; ) {
    const width = widthAt(at + done, end - done, widest);
    if (!config.memoryEnabled) return 'EIO';
    edu.load(at + done, width, carried);
    if (yield COPY_TO_USER) return 'EFAULT';
    if (!process.mm.copyBytesToUser(address + done, carried, width)) return 'EFAULT';
    done += width;
  }
  return end;
}

/** Writes registers, in accesses as wide as they can be, up to the end of the region. */
export function* writeRegisters(
  { edu, config, widest }: Registers,
  process: Process,
  at: number,
  address: number,
  length: number,
): Steps<Result> {
  if (at >= REGISTER_BYTES) return 'EINVAL';
  const end = Math.min(length, REGISTER_BYTES - at);
  const carried = new Uint8Array(BUS_BYTES);
  for (let done = 0; done < end; ) {
    const width = widthAt(at + done, end - done, widest);
    if (yield COPY_FROM_USER) return 'EFAULT';
    if (!process.mm.loadFromUser(address + done, width, carried)) return 'EFAULT';
    if (!config.memoryEnabled) return 'EIO';
    edu.store(at + done, width, carried);
    done += width;
  }
  return end;
}

/** Bytes of the next access: aligned, and no more than there are. */
function widthAt(at: number, length: number, widest: number): number {
  let width = widest;
  while (width > length || at % width !== 0) width /= 2;
  return width;
}
