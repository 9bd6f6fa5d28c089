import { uapi } from '../spec/uapi/uapi.ts';
import type { ConfigSpace } from './config-space.ts';
import type { Event } from './state.ts';

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

/** A vfio-bound device of a slot. */
export class Device {
  bound = true;
  opens = 0;
  /** What it holds for transfers; undefined before it read anything. */
  buffer: Uint8Array | undefined;
  /** Config space as an open device shows it; empty while it is closed. */
  config: Uint8Array = closed;
  /** Bits of it that nobody knows. */
  unknown: Uint8Array = closed;
  /** Bytes of config space, by offset, that outlive the last close. */
  readonly leftovers = new Map<number, number>();
  /** Bytes of the registers of 8 bytes, by their place among all of the machine's list, as far as they are known. */
  readonly registers = new Map<number, number>();

  interrupt: EnabledInterrupt | undefined;
  /** What tells that the host wants the device back. */
  request: Event | undefined;
  /** INTx is masked by the command register. */
  intxDisabled = false;
  /** Why it asks for attention: bits that were raised and not acknowledged. */
  cause = 0;

  /** Whether it may start transfers. */
  get busMaster(): boolean {
    return (this.#command & commandBusMaster) !== 0;
  }

  /** Whether its regions answer. */
  get memoryDecode(): boolean {
    return (this.#command & commandMemory) !== 0;
  }

  /** Whether its command register says that it must not pull INTx. */
  get interruptDisable(): boolean {
    return (this.#command & commandDisableInterrupt) !== 0;
  }

  get #command(): number {
    return (this.config[commandRegister] ?? 0) | ((this.config[commandRegister + 1] ?? 0) << 8);
  }

  /** The first open. */
  start({ initial, unknown }: ConfigSpace): void {
    this.config = initial.slice();
    this.unknown = unknown.slice();
    for (const [at, byte] of this.leftovers) this.config[at] = byte;
    // Another user may have written them since.
    this.registers.clear();
  }

  /** The last close. */
  stop(): void {
    this.config = closed;
    this.unknown = closed;
    this.interrupt = undefined;
    this.request = undefined;
    this.intxDisabled = false;
  }
}
