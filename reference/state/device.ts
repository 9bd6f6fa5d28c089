import { uapi } from '../../spec/uapi/uapi.ts';
import type { DeviceModel, Slot } from '../../spec/uapi/vocabulary.ts';
import { copyBytes, giveBack, takeBytes } from '../memory/spare-bytes.ts';
import { TranslationCache } from '../memory/translation-cache.ts';
import type { Page } from '../memory/user-memory.ts';
import type { ConfigSpace } from './config-space.ts';
import type { Event } from './event.ts';
import { capability, hideCapability, leadsTo } from './extended-capabilities.ts';

const { commandRegister, commandBusMaster, commandDisableInterrupt, commandMemory } = uapi.device;
const closed = new Uint8Array(0);

/** The interrupt of a device that is enabled: one index at a time. */
export interface EnabledInterrupt {
  index: number;
  /** What it signals. */
  event: Event | undefined;
  /** INTx: nothing is signalled until it is unmasked. */
  masked: boolean;
  /** MSI: the device may send messages. */
  sends: boolean;
}

/** A guest page table that is bound. */
export interface GuestTable {
  /** Guest physical address; the low 12 bits do not count. */
  root: bigint;
  levels: 4 | 5;
}

/** A vfio-bound device of a slot. */
export class Device {
  /** What the slot of its group is. */
  readonly slot: Slot;
  /** What it is in detail. */
  readonly model: DeviceModel;
  bound = true;
  /** Guest page tables by PASID. */
  readonly pasidTable = new Map<number, GuestTable>();
  /** What its own TLB may have cached for DMA with a PASID. */
  tlb = new TranslationCache();
  opens = 0;
  /** What it holds for transfers; undefined before it read anything. */
  buffer: Uint8Array | undefined;
  /** Config space as an open device shows it; empty while it is closed. */
  config: Uint8Array = closed;
  /** Bits of it that nobody knows. */
  unknown: Uint8Array = closed;
  /** How its config space is laid out; undefined before the first open. */
  space: ConfigSpace | undefined;
  /** Bytes of config space, by offset, that outlive the last close. */
  readonly leftovers = new Map<number, number>();
  /** Bytes of the registers of 8 bytes, by their place among all of the model's list, as far as they are known. */
  readonly registers = new Map<number, number>();

  interrupt: EnabledInterrupt | undefined;
  /** What signals that the host wants the device back. */
  request: Event | undefined;
  /** INTx is masked by the command register. */
  intxDisabled = false;
  /** Why it asks for attention: bits that were raised and not acknowledged. */
  cause = 0;

  constructor(slot: Slot, model: DeviceModel) {
    this.slot = slot;
    this.model = model;
  }

  /** Whether it may start transfers. */
  get busMaster(): boolean {
    return (this.command & commandBusMaster) !== 0;
  }

  /** Whether its regions respond. */
  get memoryDecode(): boolean {
    return (this.command & commandMemory) !== 0;
  }

  /** Whether its command register says that it must not pull INTx. */
  get interruptDisable(): boolean {
    return (this.command & commandDisableInterrupt) !== 0;
  }

  /** Whether a user who follows the links of its config space finds that it has PASIDs; never while it is closed. */
  get showsPasid(): boolean {
    return this.shows('pasid');
  }

  /** Whether the links of its config space lead to a capability. */
  shows(name: keyof typeof capability): boolean {
    return leadsTo(this.config, capability[name]);
  }

  /** Takes a capability out of the list that a user follows; its bytes stay. */
  hide(name: keyof typeof capability): void {
    hideCapability(this.config, capability[name]);
  }

  private get command(): number {
    return (this.config[commandRegister] ?? 0) | ((this.config[commandRegister + 1] ?? 0) << 8);
  }

  /** A device of its own that is as this one is, but for its events, which are shared; `page` gives the copy of a page. */
  copy(page: (page: Page) => Page): Device {
    const copy = new Device(this.slot, this.model);
    copy.bound = this.bound;
    for (const [pasid, table] of this.pasidTable) copy.pasidTable.set(pasid, table);
    copy.tlb = this.tlb.copy(page);
    copy.opens = this.opens;
    copy.buffer = this.buffer && copyBytes(this.buffer);
    copy.config = copyBytes(this.config);
    copy.unknown = copyBytes(this.unknown);
    copy.space = this.space;
    for (const [at, byte] of this.leftovers) copy.leftovers.set(at, byte);
    for (const [at, byte] of this.registers) copy.registers.set(at, byte);
    copy.interrupt = this.interrupt && { ...this.interrupt };
    copy.request = this.request;
    copy.intxDisabled = this.intxDisabled;
    copy.cause = this.cause;
    return copy;
  }

  /** The first open. */
  start(space: ConfigSpace): void {
    this.space = space;
    this.config = takeBytes(space.initial.length);
    this.config.set(space.initial);
    this.unknown = takeBytes(space.unknown.length);
    this.unknown.set(space.unknown);
    for (const [at, byte] of this.leftovers) this.config[at] = byte;
    // Another user may have written them since.
    this.registers.clear();
  }

  /** The last close. */
  stop(): void {
    giveBack(this.config);
    giveBack(this.unknown);
    this.config = closed;
    this.unknown = closed;
    this.interrupt = undefined;
    this.request = undefined;
    this.intxDisabled = false;
  }

  /** Gives what it holds up for others to use; the device must not be used afterwards. */
  release(): void {
    this.stop();
    if (this.buffer) giveBack(this.buffer);
    this.buffer = undefined;
  }
}
