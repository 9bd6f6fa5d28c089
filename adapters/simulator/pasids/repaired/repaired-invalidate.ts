import type { Process } from '../../files/file-table.ts';
import type { Errno, Result } from '../../result.ts';
import { COPY_FROM_USER, LOCK, type Steps } from '../../steps.ts';
import type { Type1State, WithParts } from '../../type1/type1-state.ts';
import { hasBound, isBound, translatedDevices } from '../container-devices.ts';
import { callDriver } from '../driver-call.ts';
import {
  DATA_BYTES,
  Granularity,
  HEADER_BYTES,
  Information,
  type InvalidateData,
  invalidateData,
} from '../guest-structs.ts';
import { PASID_COUNT } from '../pasid-allocator.ts';
import { copyHeader } from '../request-header.ts';

const VERSION = 1;
const ADDRESSES = 1n << 64n;
const CACHES = 0x7;
/** By granularity: the caches that can be flushed with it, and the flags of its information. */
const PAIRS = [
  { caches: 0x5, flags: 0 },
  { caches: 0x7, flags: 0x3 },
  { caches: 0x3, flags: 0x7 },
];

/** What CACHE_INVALIDATE as it should be calls through the backend's table. */
export interface RepairedInvalidateParts {
  readonly isKnownInvalidate: typeof isKnownInvalidate;
  readonly repairedInvalidateLocked: typeof repairedInvalidateLocked;
}

/** VFIO_IOMMU_CACHE_INVALIDATE as it should be: flushes on every device. */
export function* repairedInvalidate(
  backend: WithParts<RepairedInvalidateParts>,
  process: Process,
  argument: number,
): Steps<Result> {
  // copies
  const header = yield* copyHeader(process, argument);
  if (header === undefined) return 'EFAULT';
  if (header.argsz < HEADER_BYTES + DATA_BYTES.invalidate || header.flags !== 0) return 'EINVAL';
  if (yield COPY_FROM_USER) return 'EFAULT';
  const bytes = process.mm.copyBytesFromUser(argument + HEADER_BYTES, DATA_BYTES.invalidate);
  if (bytes === undefined) return 'EFAULT';

  // argument
  const data = invalidateData(bytes);
  if (!backend.parts.isKnownInvalidate(data)) return 'EINVAL';
  if (!backend.nesting) return 'EOPNOTSUPP';

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const errno = yield* backend.parts.repairedInvalidateLocked(backend, data);
  backend.lock.release();

  // result
  return errno ?? 0;
}

/** Whether the data says nothing but what is known. */
export function isKnownInvalidate(data: InvalidateData): boolean {
  if (data.version !== VERSION || !data.paddingIsZero || (data.cache & ~CACHES) !== 0) return false;
  const pair = PAIRS[data.granularity];
  if (pair === undefined || (data.cache & ~pair.caches) !== 0) return false;
  // Without a PASID, the bytes that would be about it mean nothing.
  if (data.granularity === Granularity.DOMAIN) return true;
  if ((data.flags & ~pair.flags) !== 0 || (data.flags & Information.PASID) === 0) return false;
  if (data.pasid === 0n || data.pasid >= PASID_COUNT) return false;
  if (data.granularity === Granularity.PASID) return true;
  const length = data.granuleSize * data.granules;
  return length < ADDRESSES && data.address + length <= ADDRESSES;
}

/** Every device is visited, whatever those before it gave. */
export function* repairedInvalidateLocked(backend: Type1State, data: InvalidateData): Steps<Errno | undefined> {
  // state
  const { driver } = backend.pasids;
  const isForAll = data.granularity === Granularity.DOMAIN;
  if (data.cache === 0 || driver === undefined) return undefined;
  if (!(isForAll ? hasBound(backend) : isBound(backend, Number(data.pasid)))) return undefined;

  // effect
  let first: Errno | undefined;
  for (const device of translatedDevices(backend)) {
    // One that came after the BIND may be unfit for it; there is nothing to flush on it.
    const errno = yield* callDriver(() => (driver.supports(device) ? driver.invalidate(device, data) : undefined));
    first ??= errno;
  }

  // result
  return first;
}
