import type { Process } from '../../files/file-table.ts';
import type { Result } from '../../result.ts';
import { LOCK, type Steps } from '../../steps.ts';
import type { Type1State } from '../../type1/type1-state.ts';
import { HEADER_BYTES } from '../guest-structs.ts';
import { copyHeader } from '../request-header.ts';
import { invalidateSource } from './posted-data.ts';
import { callForEachDevice } from './posted-loop.ts';

/** VFIO_IOMMU_CACHE_INVALIDATE as it was posted: flushes on every device. */
export function* postedInvalidate(backend: Type1State, process: Process, argument: number): Steps<Result> {
  // copies
  const header = yield* copyHeader(process, argument);
  if (header === undefined) return 'EFAULT';
  if (header.argsz < HEADER_BYTES || header.flags !== 0) return 'EINVAL';
  const source = yield* invalidateSource(backend, process, argument + HEADER_BYTES);
  if (typeof source === 'string') return source;

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const errno = yield* callForEachDevice(backend, source, (driver, device, data) => driver.invalidate(device, data));
  backend.lock.release();

  // result
  return errno ?? 0;
}
