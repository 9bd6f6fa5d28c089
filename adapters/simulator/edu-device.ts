import { uapi } from '../../spec/uapi/uapi.ts';
import { Direction, type IommuDomain } from './iommu-domain.ts';
import type { Journal } from './journal.ts';
import { PAGE_SIZE, type PhysicalMemory } from './physical-memory.ts';
import { unsupported } from './result.ts';

/** Bytes of the device's own buffer. */
export const BUFFER_BYTES = 4096;
/** Bits of an address that the device drives. */
export const ADDRESS_BITS = 28;
/** Bytes of its configuration space. */
export const CONFIG_BYTES = 256;

const { commandRegister, commandBusMaster } = uapi.device;
const VENDOR = 0x1234;
const DEVICE = 0x11e8;
/** What the command register holds when the device has just been opened: decoding and error reports on. */
const COMMAND_AT_OPEN = 0x0103;
/** Bits of the command register that can be set. */
const COMMAND_WRITABLE = 0x0507;

/** The memory side of a transfer. */
export interface DmaMemory {
  physical: PhysicalMemory;
  journal: Journal;
}

/** A test device with a small buffer, between which and memory it transfers what it is told. */
export class EduDevice {
  private buffer: Uint8Array | undefined;
  private command = 0;

  /** The driver opens the device. */
  enable(): void {
    this.command = COMMAND_AT_OPEN;
  }

  /** The driver closes the device. */
  disable(): void {
    this.command = 0;
  }

  /** Bytes of configuration space: identity and command register. */
  readConfig(at: number, length: number): Uint8Array {
    const end = commandRegister + 2;
    if (at + length > end) unsupported('reading configuration space behind the command register');
    const header = [VENDOR, DEVICE, this.command].flatMap((word) => [word & 0xff, word >>> 8]);
    return Uint8Array.from(header.slice(at, at + length));
  }

  /** Stores to configuration space; the identity stays as it is. */
  writeConfig(at: number, bytes: Uint8Array): void {
    if (at + bytes.length > commandRegister + 2) unsupported('writing configuration space behind the command register');
    bytes.forEach((byte, i) => {
      const shift = (at + i - commandRegister) * 8;
      if (shift < 0) return;
      const kept = this.command & ~(0xff << shift);
      this.command = kept | ((byte << shift) & COMMAND_WRITABLE);
    });
  }

  /** Fills part of the buffer from memory. What the IOMMU blocks reads as zeros. */
  readMemory(domain: IommuDomain | undefined, iova: number, at: number, length: number): void {
    if (!(this.command & commandBusMaster)) return;
    this.buffer ??= new Uint8Array(BUFFER_BYTES);
    const { buffer } = this;
    forEachPage(iova, length, (iovaPage, from, count, done) => {
      const page = domain?.translate(iovaPage, Direction.READ);
      const target = buffer.subarray(at + done, at + done + count);
      if (page === undefined) target.fill(0);
      else if (page.bytes !== undefined) target.set(page.bytes.subarray(from, from + count));
      else target.fill(isMemory(page) ? page.fill : 0);
    });
  }

  /** Stores part of the buffer to memory. What the IOMMU blocks is lost. */
  writeMemory(memory: DmaMemory, domain: IommuDomain | undefined, iova: number, at: number, length: number): void {
    if (!(this.command & commandBusMaster)) return;
    const buffer = this.buffer ?? new Uint8Array(BUFFER_BYTES);
    forEachPage(iova, length, (iovaPage, from, count, done) => {
      const page = domain?.translate(iovaPage, Direction.WRITE);
      if (page === undefined || !isMemory(page)) return;
      memory.journal.beforeFrameStore(page, from, count);
      memory.physical.bytesOf(page).set(buffer.subarray(at + done, at + done + count), from);
    });
  }
}

function isMemory(page: { reserved: boolean; fill: number }): boolean {
  if (page.reserved && page.fill !== 0) unsupported('a transfer to or from the registers of a device');
  return true;
}

/** Cuts a transfer at the ends of pages. The device loses the high bits of the address that it begins at. */
function forEachPage(
  iova: number,
  length: number,
  transfer: (iovaPage: number, from: number, count: number, done: number) => void,
): void {
  const start = iova % 2 ** ADDRESS_BITS;
  for (let done = 0; done < length; ) {
    const from = (start + done) % PAGE_SIZE;
    const count = Math.min(length - done, PAGE_SIZE - from);
    transfer(Math.floor((start + done) / PAGE_SIZE), from, count, done);
    done += count;
  }
}
