import type { TransferFault } from '../../../spec/uapi/vocabulary.ts';
import type { IommuDomain } from '../iommu/iommu-domain.ts';
import { Direction } from '../mm/direction.ts';
import { PAGE_SIZE, type Page, requireMemory } from '../mm/physical-memory.ts';
import type { PasidFunction } from '../nested/pasid-function.ts';
import { translateWithPasid } from '../nested/request-with-pasid.ts';
import type { Hardware } from '../nested/translation.ts';
import { ProgramEnd } from '../result.ts';
import { PciConfigSpace } from './pci-config-space.ts';

/** Bytes of the one region that has registers in it. */
export const REGISTER_BYTES = 0x10_0000;
/** Bytes of the device's own buffer that transfers may reach, as in QEMU before 8.2.1. */
export const BUFFER_BYTES = 4095;
/** Where the device's side of a transfer finds the buffer. */
export const BUFFER_ADDRESS = 0x4_0000;
/** Bits of an address that the device drives: on a machine that nests all. */
export const ADDRESS_BITS = { ordinary: 28, nesting: 64 } as const;
/** Pages of 64 address bits. */
const ALL_PAGES = 2 ** ADDRESS_BITS.nesting / PAGE_SIZE;

/** Places of registers. From SOURCE on they have 8 bytes. */
export const Register = {
  IDENTIFICATION: 0x00,
  INVERTED: 0x04,
  FACTORIAL: 0x08,
  STATUS: 0x20,
  CAUSE: 0x24,
  RAISE: 0x60,
  ACKNOWLEDGE: 0x64,
  SOURCE: 0x80,
  DESTINATION: 0x88,
  COUNT: 0x90,
  COMMAND: 0x98,
} as const;

/** Bits of COMMAND. */
export const Command = { RUN: 1, TO_MEMORY: 2, INTERRUPT: 4 } as const;

const IDENTIFICATION = 0x0100_00ed;
/** Bit of STATUS: the end of a calculation interrupts. */
const INTERRUPT_AFTER_FACTORIAL = 0x80;
const FACTORIAL_DONE = 0x01;
const TRANSFER_DONE = 0x100;
/** Where the registers of 8 bytes end. */
const WIDE_END = Register.COMMAND + 8;

/** What translates the addresses of a device. */
export interface Translated {
  domain: IommuDomain | undefined;
}

/** What a transfer has that no register holds. */
export interface Prefix {
  /** Bits 32 to 63 of the address, instead of what the register has. */
  upper: number;
  /** The PASID that every request carries; none if absent. */
  pasid?: number;
}

/** A test device with a small buffer, between which and memory it transfers as programmed. */
export class EduDevice {
  readonly config = new PciConfigSpace();
  /** Called for each interrupt that is a message. */
  onMessage: (() => void) | undefined;
  /** Goes with the next transfers, while it is there. */
  prefix: Prefix | undefined;
  /** The first reason why a part of the last transfer was blocked. */
  fault: TransferFault | undefined;
  private buffer: Uint8Array | undefined;
  private readonly wide = new Uint8Array(WIDE_END - Register.SOURCE);
  private inverted = 0;
  private factorial = 0;
  private status = 0;
  private cause = 0;

  constructor(
    private readonly bus: Translated,
    private readonly hardware: Hardware,
    /** What it has of PASIDs, on a machine that nests. */
    private readonly pasids?: PasidFunction,
  ) {}

  /** Whether it can send requests with a PASID. */
  sends(pasid: number): boolean {
    return this.pasids !== undefined && this.pasids.bits > 0 && pasid < 2 ** this.pasids.bits;
  }

  /** Loads 1, 2, 4 or 8 bytes of registers, aligned, into the beginning of `into`. */
  load(at: number, width: number, into: Uint8Array): void {
    // The bus refuses what is narrower than any register.
    if (width < 4) into.fill(0, 0, width);
    else if (at >= Register.SOURCE && at < WIDE_END && at % 8 === 0) {
      const from = at - Register.SOURCE;
      for (let i = 0; i < width; i++) into[i] = this.wide[from + i]!;
    } else if (width === 8) into.fill(0xff, 0, 8);
    else {
      const value = this.loadNarrow(at);
      for (let i = 0; i < 4; i++) into[i] = value >>> (8 * i);
    }
  }

  /** Stores 1, 2, 4 or 8 bytes of `bytes` to registers, aligned. */
  store(at: number, width: number, bytes: Uint8Array): void {
    if (width < 4) return;
    if (at >= Register.SOURCE && at < WIDE_END && at % 8 === 0) {
      if (at === Register.COMMAND && !(bytes[0]! & Command.RUN)) return;
      const from = at - Register.SOURCE;
      for (let i = 0; i < 8; i++) this.wide[from + i] = i < width ? bytes[i]! : 0;
      if (at === Register.COMMAND) this.transfer();
    } else if (width === 4) {
      this.storeNarrow(at, (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0);
    }
  }

  private loadNarrow(at: number): number {
    switch (at) {
      case Register.IDENTIFICATION:
        return IDENTIFICATION;
      case Register.INVERTED:
        return this.inverted;
      case Register.FACTORIAL:
        return this.factorial;
      case Register.STATUS:
        return this.status;
      case Register.CAUSE:
        return this.cause;
      default:
        return 0xffff_ffff;
    }
  }

  private storeNarrow(at: number, value: number): void {
    switch (at) {
      case Register.INVERTED:
        this.inverted = ~value >>> 0;
        break;
      case Register.FACTORIAL:
        this.factorial = factorialOf(value);
        if (this.status & INTERRUPT_AFTER_FACTORIAL) this.raise(FACTORIAL_DONE);
        break;
      case Register.STATUS:
        this.status = value & INTERRUPT_AFTER_FACTORIAL;
        break;
      case Register.RAISE:
        this.raise(value);
        break;
      case Register.ACKNOWLEDGE:
        this.cause = (this.cause & ~value) >>> 0;
        if (this.cause === 0 && !this.config.hasMessages) this.config.linePulled = false;
        break;
    }
  }

  private raise(bits: number): void {
    this.cause = (this.cause | bits) >>> 0;
    if (this.cause === 0) return;
    if (!this.config.hasMessages) this.config.linePulled = true;
    // A message is a write to memory like any other.
    else if (this.config.isBusMaster) this.onMessage?.();
  }

  /** Does what the registers say, at once. */
  private transfer(): void {
    const command = this.wordAt(Register.COMMAND);
    const length = this.wordAt(Register.COUNT);
    const toMemory = (command & Command.TO_MEMORY) !== 0;
    const own = this.wordAt(toMemory ? Register.SOURCE : Register.DESTINATION) - BUFFER_ADDRESS;
    if (own < 0 || own + length > BUFFER_BYTES) {
      throw new ProgramEnd('crashed', 'A transfer outside of the buffer of the device ends the machine.');
    }
    this.fault = undefined;
    const address = toMemory ? Register.DESTINATION : Register.SOURCE;
    if (toMemory) this.writeMemory(address, own, length);
    else this.readMemory(address, own, length);
    this.wide[Register.COMMAND - Register.SOURCE]! &= ~Command.RUN;
    if (command & Command.INTERRUPT) this.raise(TRANSFER_DONE);
  }

  /** Fills part of the buffer from memory. What the IOMMU blocks, or the bus does not carry, reads as zeros. */
  private readMemory(address: number, at: number, length: number): void {
    this.buffer ??= new Uint8Array(BUFFER_BYTES);
    const { buffer } = this;
    this.forEachPage(address, length, (iovaPage, from, count, done) => {
      const page = this.config.isBusMaster ? this.find(iovaPage, false) : undefined;
      const target = buffer.subarray(at + done, at + done + count);
      if (page?.bytes !== undefined) target.set(page.bytes.subarray(from, from + count));
      else target.fill(page?.fill ?? 0);
    });
  }

  /** Stores part of the buffer to memory. What the IOMMU blocks is lost. */
  private writeMemory(address: number, at: number, length: number): void {
    if (!this.config.isBusMaster) return;
    const buffer = this.buffer ?? new Uint8Array(BUFFER_BYTES);
    const { physical, journal } = this.hardware;
    this.forEachPage(address, length, (iovaPage, from, count, done) => {
      const page = this.find(iovaPage, true);
      if (page === undefined) return;
      journal.beforeFrameStore(page, from, count);
      physical.bytesOf(page).set(buffer.subarray(at + done, at + done + count), from);
    });
  }

  /** The page of memory behind one of the device's; keeps why if there is none. */
  private find(iovaPage: number, write: boolean): Page | undefined {
    const found = this.prefix?.pasid === undefined ? this.mapped(iovaPage, write) : this.withPasid(iovaPage, write);
    if (typeof found === 'string') {
      this.fault ??= found;
      return undefined;
    }
    requireMemory(found);
    return found;
  }

  private mapped(iovaPage: number, write: boolean): Page | TransferFault {
    const { domain } = this.bus;
    const page = domain?.translate(iovaPage, write ? Direction.WRITE : Direction.READ);
    if (page !== undefined) return page;
    if (domain?.lookUp(iovaPage) === undefined) return 'not_mapped';
    return write ? 'not_writable' : 'not_readable';
  }

  private withPasid(page: number, write: boolean): Page | TransferFault {
    const { domain } = this.bus;
    const pasid = this.prefix!.pasid!;
    if (domain === undefined) return 'pasid_not_bound';
    const found = translateWithPasid(this.hardware, this.pasids!, domain.nested, { pasid, page, write });
    return typeof found === 'string' ? found : found.page;
  }

  /** Cuts a transfer at the ends of pages. Address bits that the device does not drive are lost. */
  private forEachPage(
    register: number,
    length: number,
    transfer: (iovaPage: number, from: number, count: number, done: number) => void,
  ): void {
    const low = this.wordAt(register, 4);
    const upper = this.prefix?.upper ?? this.wordAt(register + 4, 4);
    const start =
      this.pasids === undefined
        ? Math.floor((low % 2 ** ADDRESS_BITS.ordinary) / PAGE_SIZE)
        : upper * (2 ** 32 / PAGE_SIZE) + Math.floor(low / PAGE_SIZE);
    for (let done = 0; done < length; ) {
      const from = (low + done) % PAGE_SIZE;
      const count = Math.min(length - done, PAGE_SIZE - from);
      transfer((start + Math.floor(((low % PAGE_SIZE) + done) / PAGE_SIZE)) % ALL_PAGES, from, count, done);
      done += count;
    }
  }

  /** The low bytes of a register, or all of it: exact as far as it can mean anything. */
  private wordAt(register: number, width = 8): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.wide[register - Register.SOURCE + i]!;
    return value;
  }
}

/** In 32 bits; from 34 on, nothing is left of it. */
function factorialOf(value: number): number {
  let product = 1;
  for (let i = Math.min(value, 34); i > 1; i--) product = Math.imul(product, i);
  return product >>> 0;
}
