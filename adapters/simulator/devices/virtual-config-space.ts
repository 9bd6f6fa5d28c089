import { uapi } from '../../../spec/uapi/uapi.ts';
import { EXPRESS_BYTES, type ExtendedConfigSpace } from './extended-config-space.ts';
import { CONFIG_BYTES, HEADER_BYTES, MSI, type PciConfigSpace } from './pci-config-space.ts';

const { commandRegister, commandMemory } = uapi.device;
const COMMAND_IO = 1;
/** Bit of the command register's high byte that disables the interrupt line. */
const INTERRUPT_DISABLE = 0x04;
const FIRST_BAR = 0x10;
const BARS_END = 0x28;
const ROM_BAR = 0x30;
const INTERRUPT_PIN = 0x3d;
/** Bits of an address that the size of the one BAR leaves free. */
const BAR_MASK = 0xfff0_0000;
/** Bits of MSI's flags that choose how many messages are used. */
const MESSAGES_ENABLED = 0x70;
const MSI_END = MSI.at + MSI.length;

/** Bits that are the driver's own, not the hardware's. */
const VIRTUAL = new Uint8Array(CONFIG_BYTES);
/** Bits of header and capability that user space can write. */
const WRITABLE = new Uint8Array(CONFIG_BYTES);

/** Says so of `length` bytes from `at` on. */
function permit(at: number, length: number, isVirtual: number, writable: number): void {
  VIRTUAL.fill(isVirtual, at, at + length);
  WRITABLE.fill(writable, at, at + length);
}

// Identity, command (with the interrupt line's disabling), capability bit of status.
permit(0, 4, 0xff, 0);
permit(commandRegister, 1, 0, 0xff);
permit(commandRegister + 1, 1, INTERRUPT_DISABLE, 0xff);
permit(6, 1, 0x10, 0);
// Cache line size, latency, self test.
permit(0x0c, 2, 0, 0xff);
permit(0x0f, 1, 0, 0xff);
permit(FIRST_BAR, BARS_END - FIRST_BAR, 0xff, 0xff);
permit(ROM_BAR, 4, 0xff, 0xff);
// First capability, interrupt line and pin.
permit(0x34, 1, 0xff, 0);
permit(INTERRUPT_PIN - 1, 1, 0xff, 0xff);
permit(INTERRUPT_PIN, 1, 0xff, 0);
// MSI: next capability, low byte of flags, address and data.
permit(MSI.at + 1, 1, 0xff, 0);
permit(MSI.at + MSI.flags, 1, 0xff, 0xff);
permit(MSI.at + 4, MSI.length - 4, 0xff, 0xff);

/** What has a say in interrupts, and learns what user space writes about them in configuration space. */
interface Interrupts {
  /** Whether messages go to user space. */
  readonly usesMessages: boolean;
  setLineDisabled(disabled: boolean): void;
}

/** Configuration space as user space sees it, from the first open of a device to the last close. */
export class VirtualConfigSpace {
  private readonly bytes = new Uint8Array(CONFIG_BYTES);
  private barsWritten = true;

  constructor(
    private readonly hardware: PciConfigSpace,
    private readonly interrupts: Interrupts,
    /** What a function of PCI Express has more than one of conventional PCI. */
    private readonly extended: ExtendedConfigSpace | undefined,
  ) {
    for (let at = 0; at < MSI_END; at++) this.bytes[at] = hardware.load(at);
  }

  /** Bytes that there are. */
  get size(): number {
    return this.extended === undefined ? CONFIG_BYTES : EXPRESS_BYTES;
  }

  /** Whether user space lets the device decode memory, so that its registers can be reached. */
  get memoryEnabled(): boolean {
    return (this.bytes[commandRegister]! & commandMemory) !== 0;
  }

  /** Whether there is an interrupt line. */
  get hasInterruptLine(): boolean {
    return this.bytes[INTERRUPT_PIN] !== 0;
  }

  /** How many bytes of an access are done at once: up to 4, aligned, and of one capability. */
  static chunk(at: number, length: number): number {
    let remaining = 1;
    while ((at + remaining) % 4 !== 0 && kindOf(at + remaining) === kindOf(at)) remaining++;
    const count = Math.min(length, remaining);
    if (count >= 4 && at % 4 === 0) return 4;
    return count >= 2 && at % 2 === 0 ? 2 : 1;
  }

  /** Loads a chunk into the beginning of `into`. */
  load(at: number, count: number, into: Uint8Array): void {
    if (isBar(at)) this.completeBars();
    if (at >= CONFIG_BYTES) {
      for (let i = 0; i < count; i++) into[i] = this.extended!.load(at + i);
      return;
    }
    for (let i = 0; i < count; i++) {
      const own = VIRTUAL[at + i]!;
      into[i] = (this.hardware.load(at + i) & ~own) | (this.bytes[at + i]! & own);
    }
  }

  /** Stores a chunk. */
  store(at: number, count: number, bytes: Uint8Array): void {
    switch (kindOf(at)) {
      case 'header':
        this.storePermitted(at, count, bytes);
        this.afterHeader(at, bytes);
        break;
      case 'msi':
        this.storePermitted(at, count, bytes);
        if (at - MSI.at <= MSI.flags && at - MSI.at + count >= MSI.flags) this.afterMessageFlags();
        break;
      case 'extended':
        break;
      default:
        for (let i = 0; i < count; i++) this.hardware.store(at + i, bytes[i]!);
    }
  }

  private storePermitted(at: number, count: number, bytes: Uint8Array): void {
    for (let place = at; place < at + count; place++) {
      const byte = bytes[place - at]!;
      const own = WRITABLE[place]! & VIRTUAL[place]!;
      this.bytes[place] = (this.bytes[place]! & ~own) | (byte & own);
      const passed = WRITABLE[place]! & ~VIRTUAL[place]!;
      if (passed !== 0) this.hardware.store(place, (this.hardware.load(place) & ~passed) | (byte & passed));
    }
  }

  private afterHeader(at: number, bytes: Uint8Array): void {
    if (at === commandRegister) {
      const decoding = commandMemory | COMMAND_IO;
      this.bytes[at] = (this.bytes[at]! & ~decoding) | (bytes[0]! & decoding);
    }
    if (at === commandRegister || at === commandRegister + 1) {
      this.interrupts.setLineDisabled((this.bytes[commandRegister + 1]! & INTERRUPT_DISABLE) !== 0);
    }
    if (isBar(at)) this.barsWritten = true;
  }

  /** There is one message, and only the driver's own ioctl starts it. */
  private afterMessageFlags(): void {
    const at = MSI.at + MSI.flags;
    let flags = this.bytes[at]!;
    if (!this.interrupts.usesMessages) flags &= ~MSI.enable;
    flags &= ~MESSAGES_ENABLED;
    this.bytes[at] = flags;
    this.hardware.store(at, flags);
  }

  /** Lets addresses look as the hardware would have them: only bits above the size can be set. */
  private completeBars(): void {
    if (!this.barsWritten) return;
    for (let i = 0; i < 4; i++) this.bytes[FIRST_BAR + i]! &= BAR_MASK >>> (8 * i);
    this.bytes.fill(0, FIRST_BAR + 4, BARS_END);
    this.bytes.fill(0, ROM_BAR, ROM_BAR + 4);
    this.barsWritten = false;
  }
}

/** What decides how a byte is accessed. */
function kindOf(at: number): 'header' | 'msi' | 'unassigned' | 'extended' {
  if (at < HEADER_BYTES) return 'header';
  if (at >= CONFIG_BYTES) return 'extended';
  return at >= MSI.at && at < MSI_END ? 'msi' : 'unassigned';
}

function isBar(at: number): boolean {
  return (at >= FIRST_BAR && at < BARS_END) || (at >= ROM_BAR && at < ROM_BAR + 4);
}
