import { uapi } from '../../../spec/uapi/uapi.ts';

/** Bytes of the configuration space of a conventional PCI function. */
export const CONFIG_BYTES = 256;
/** Bytes of its header, in front of all capabilities. */
export const HEADER_BYTES = 64;
/** Where the capability for interrupts by message begins, and its length: 64-bit addresses, no masking. */
export const MSI = { at: 0x40, length: 14, flags: 2, enable: 1 } as const;

const { commandRegister, commandMemory, commandBusMaster } = uapi.device;
const COMMAND_IO = 1;
/** Bit of the command register that keeps the function from pulling its interrupt line. */
const INTERRUPT_DISABLE = 0x400;
const STATUS = 6;
/** Bit of the status register that says that the interrupt line is pulled. */
const STATUS_INTERRUPT = 0x08;

/** Identity, command and status, class, address of the registers, subsystem, first capability, interrupt, MSI. */
const AT_POWER_UP = bytesWith([
  [0x00, [0x34, 0x12, 0xe8, 0x11, 0x03, 0x01, 0x10, 0x00, 0x10, 0x00, 0xff, 0x00]],
  [0x10, [0x00, 0x00, 0x80, 0xfe]],
  [0x2c, [0xf4, 0x1a, 0x00, 0x11]],
  [0x34, [MSI.at]],
  [0x3c, [0x0b, 0x01]],
  [MSI.at, [0x05, 0x00, 0x80, 0x00]],
]);

/** Bits that can be written: command, cache line size, interrupt line, MSI's enable bit, and all that has no meaning. */
const WRITABLE = bytesWith([
  [commandRegister, [0x07, 0x05]],
  [0x0c, [0xff]],
  [0x3c, [0xff]],
  [MSI.at + MSI.flags, [MSI.enable]],
  [MSI.at + MSI.length, new Array(CONFIG_BYTES - MSI.at - MSI.length).fill(0xff)],
]);

/** Configuration space as the hardware of the test device has it. */
export class PciConfigSpace {
  private readonly bytes = AT_POWER_UP.slice();
  private saved: Uint8Array | undefined;
  private pulled = false;
  private asserted = false;
  /** Called when the interrupt line goes up. */
  onInterrupt: (() => void) | undefined;

  /** One byte. */
  load(at: number): number {
    return at === STATUS && this.pulled ? this.bytes[at]! | STATUS_INTERRUPT : this.bytes[at]!;
  }

  /** Stores those bits of a byte that can be written. */
  store(at: number, byte: number): void {
    const writable = WRITABLE[at]!;
    this.bytes[at] = (this.bytes[at]! & ~writable) | (byte & writable);
    if (at === commandRegister + 1) this.updateLine();
    // With messages, the line is let go.
    else if (at === MSI.at + MSI.flags && this.hasMessages) this.linePulled = false;
  }

  /** The driver starts to use the function: it decodes, masters nothing, and what it holds is kept for the end. */
  enable(): void {
    this.bytes[commandRegister] = (this.bytes[commandRegister]! | COMMAND_IO | commandMemory) & ~commandBusMaster;
    this.saved = this.bytes.slice(0, HEADER_BYTES);
  }

  /** The driver no longer uses the function: its header is as it was. */
  disable(): void {
    this.bytes.set(this.saved!);
    this.bytes[commandRegister]! &= ~commandBusMaster;
  }

  get isBusMaster(): boolean {
    return (this.bytes[commandRegister]! & commandBusMaster) !== 0;
  }

  /** Whether interrupts are messages. */
  get hasMessages(): boolean {
    return (this.bytes[MSI.at + MSI.flags]! & MSI.enable) !== 0;
  }

  set hasMessages(on: boolean) {
    this.store(MSI.at + MSI.flags, on ? MSI.enable : 0);
  }

  /** Whether the function pulls its interrupt line. */
  get linePulled(): boolean {
    return this.pulled;
  }

  set linePulled(pulled: boolean) {
    this.pulled = pulled;
    this.updateLine();
  }

  /** Whether the function is kept from pulling its line. */
  set lineDisabled(disabled: boolean) {
    const high = INTERRUPT_DISABLE >> 8;
    const byte = this.bytes[commandRegister + 1]!;
    this.store(commandRegister + 1, disabled ? byte | high : byte & ~high);
  }

  private updateLine(): void {
    const asserted = this.pulled && (this.bytes[commandRegister + 1]! & (INTERRUPT_DISABLE >> 8)) === 0;
    const rises = asserted && !this.asserted;
    this.asserted = asserted;
    if (rises) this.onInterrupt?.();
  }
}

function bytesWith(parts: [at: number, bytes: number[]][]): Uint8Array {
  const all = new Uint8Array(CONFIG_BYTES);
  for (const [at, bytes] of parts) all.set(bytes, at);
  return all;
}
