import type { ArgumentBuffer } from '../memory/argument-buffer.ts';
import { PAGE } from '../memory/user-memory.ts';

const ARGSZ = 0;
const FLAGS = 4;

/** The argument of an ioctl, and the bytes that it points to as far as the handler has read them; the others are 0. */
export class IoctlArgument {
  /** A value or an address. */
  value = 0n;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** How many times some of them were read: what was decoded before the last time is out of date. */
  reads = 0;
  /** Bytes from the address to the end of the last that was written or could not be. */
  extent = 0;

  /** The buffer serves one ioctl after the other. */
  constructor({ bytes, view }: ArgumentBuffer) {
    this.bytes = bytes.fill(0);
    this.view = view;
  }

  /** Bytes are written; what lies elsewhere than behind the address does not count. */
  extendTo(address: bigint, length: number): void {
    const end = address + BigInt(length) - this.value;
    if (end > this.extent && end <= PAGE) this.extent = Number(end);
  }

  /** The first field of nearly every struct. */
  get argsz(): number {
    return this.view.getUint32(ARGSZ, true);
  }

  /** The second one. */
  get flags(): number {
    return this.view.getUint32(FLAGS, true);
  }

  /** The 32-bit value at the start. */
  get word(): number {
    return this.view.getInt32(0, true);
  }
}
