import { uapi } from '../../spec/uapi/uapi.ts';

/** Bytes of the longest struct that an ioctl reads or writes. */
const LONGEST = Math.max(...Object.values(uapi.structs).map(({ size, extended = 0 }) => Math.max(size, extended)));

/** Where the kernel puts what it reads of the argument of an ioctl. */
export class ArgumentBuffer {
  readonly bytes = new Uint8Array(LONGEST);
  readonly view = new DataView(this.bytes.buffer);
}
