import { toBigInt } from '../../spec/uapi/integer.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import type { Target, WriteAccess } from '../memory/access.ts';
import type { UserMemory } from '../memory/user-memory.ts';

const STRIDE = BigInt(uapi.device.regionStride);

/** A pread or pwrite of a device's region: where it goes, and how far it has come. */
export class RegionTransfer {
  readonly target: Target;
  /** The widest access of a device's memory that is made, in bytes. */
  widestAccess = 0;
  /** pwrite: the access under consideration, and of config space the byte. */
  access: WriteAccess | undefined;
  configByte: { at: number; value: number } | undefined;

  constructor({ offset, memory, at, length }: Extract<Op, { op: 'pread' | 'pwrite' }>, { regions }: UserMemory) {
    const position = toBigInt(offset);
    this.target = {
      region: Number(position / STRIDE),
      offset: Number(position % STRIDE),
      address: regions.get(memory)!.base + BigInt(at),
      length,
    };
  }
}
