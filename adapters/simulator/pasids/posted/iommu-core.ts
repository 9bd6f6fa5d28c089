import type { Process } from '../../files/file-table.ts';
import type { Errno } from '../../result.ts';
import { COPY_FROM_USER, type Steps } from '../../steps.ts';
import {
  type BindData,
  bindData,
  DATA_BYTES,
  Granularity,
  Information,
  type InvalidateData,
  invalidateData,
} from '../guest-structs.ts';

/** What Linux 5.10 puts between user space and the driver: it reads the data itself, and checks what any driver would. */

/** Bytes of the data of BIND in front of what is the vendor's. */
const BIND_MINIMUM = 56;
/** Bytes of the data of CACHE_INVALIDATE in front of the union, and with either part of it. */
const INVALIDATE_MINIMUM = 16;
const WITH_PASID = 32;
const WITH_ADDRESS = 56;

const VERSION = 1;
/** Formats that have a number below it. */
const FORMATS = 2;
const GUEST_PASID_VALID = 1n;
const CACHES = 0x7;
const PASID_CACHE = 0x4;
const DEVICE_CACHE = 0x2;
const PASID_FLAGS = 0x3;
const ADDRESS_FLAGS = PASID_FLAGS | Information.LEAF;

/** Data of BIND and UNBIND, checked. */
export function* readBindData(process: Process, at: number): Steps<BindData | Errno> {
  // copies
  const bytes = yield* copyChecked(process, at, DATA_BYTES.bindArgszFirst, BIND_MINIMUM, () => BIND_MINIMUM);
  if (typeof bytes === 'string') return bytes;

  // argument
  const data = bindData(bytes, true);
  if (data.version !== VERSION || data.format >= FORMATS) return 'EINVAL';
  if ((data.flags & ~GUEST_PASID_VALID) !== 0n || !data.paddingIsZero) return 'EINVAL';

  // result
  return data;
}

/** Data of CACHE_INVALIDATE, checked. */
export function* readInvalidateData(process: Process, at: number): Steps<InvalidateData | Errno> {
  // copies
  const bytes = yield* copyChecked(process, at, DATA_BYTES.invalidateArgszFirst, INVALIDATE_MINIMUM, neededBy);
  if (typeof bytes === 'string') return bytes;

  // argument
  const data = invalidateData(bytes, true);
  if (data.version !== VERSION || (data.cache & ~CACHES) !== 0) return 'EINVAL';
  switch (data.granularity) {
    case Granularity.ADDRESS:
      if (data.cache & PASID_CACHE || (data.flags & ~ADDRESS_FLAGS) !== 0) return 'EINVAL';
      break;
    case Granularity.PASID:
      if ((data.flags & ~PASID_FLAGS) !== 0) return 'EINVAL';
      break;
    case Granularity.DOMAIN:
      if (data.cache & DEVICE_CACHE) return 'EINVAL';
      break;
    default:
      return 'EINVAL';
  }
  if (!data.paddingIsZero) return 'EINVAL';

  // result
  return data;
}

/** Bytes that a request needs, as its first bytes say. */
function neededBy(bytes: Uint8Array): number {
  const { granularity } = invalidateData(bytes, true);
  if (granularity === Granularity.PASID) return WITH_PASID;
  return granularity === Granularity.ADDRESS ? WITH_ADDRESS : INVALIDATE_MINIMUM;
}

/** Copies the data in two parts: the one that is always there has the length of the whole. The rest is zeros. */
function* copyChecked(
  process: Process,
  at: number,
  size: number,
  minimum: number,
  needed: (bytes: Uint8Array) => number,
): Steps<Uint8Array | Errno> {
  if (yield COPY_FROM_USER) return 'EFAULT';
  const start = process.mm.copyBytesFromUser(at, minimum);
  if (start === undefined) return 'EFAULT';
  const bytes = new Uint8Array(size);
  bytes.set(start);
  const argsz = new DataView(start.buffer).getUint32(0, true);
  if (argsz < minimum || argsz < needed(bytes)) return 'EINVAL';
  if (yield COPY_FROM_USER) return 'EFAULT';
  const rest = process.mm.copyBytesFromUser(at + minimum, Math.min(argsz, size) - minimum);
  if (rest === undefined) return 'EFAULT';
  bytes.set(rest, minimum);
  return bytes;
}
