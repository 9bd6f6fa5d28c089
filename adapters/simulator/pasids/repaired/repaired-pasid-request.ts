import type { Process } from '../../files/file-table.ts';
import type { Errno, Result } from '../../result.ts';
import { LOCK, type Steps } from '../../steps.ts';
import type { Type1State, WithParts } from '../../type1/type1-state.ts';
import { allCanNest, hasSecondMember } from '../container-devices.ts';
import { PASID_COUNT } from '../pasid-allocator.ts';
import { ALLOC, copyRange, FREE, PASID_REQUEST_BYTES, writeResult } from '../pasid-request-struct.ts';
import { copyHeader } from '../request-header.ts';

/** What PASID_REQUEST as it should be calls through the backend's table. */
export interface RepairedPasidRequestParts {
  readonly repairedAlloc: typeof repairedAlloc;
  readonly repairedFree: typeof repairedFree;
  readonly tellRepaired: typeof tellRepaired;
}

/** VFIO_IOMMU_PASID_REQUEST as it should be: gives a PASID out or takes one back. */
export function* repairedPasidRequest(
  backend: WithParts<RepairedPasidRequestParts>,
  process: Process,
  argument: number,
): Steps<Result> {
  // copies
  const header = yield* copyHeader(process, argument);
  if (header === undefined) return 'EFAULT';
  const { argsz, flags } = header;
  if (argsz < PASID_REQUEST_BYTES || (flags !== ALLOC && flags !== FREE)) return 'EINVAL';
  const range = yield* copyRange(process, argument);
  if (range === undefined) return 'EFAULT';

  // argument
  const { min, max } = range;
  if (flags === ALLOC ? min > max : min === 0 || min >= PASID_COUNT) return 'EINVAL';
  if (!backend.nesting) return 'EOPNOTSUPP';

  // state
  const { parts } = backend;
  do yield LOCK;
  while (!backend.lock.take());
  const result =
    flags === ALLOC
      ? yield* parts.repairedAlloc(backend, process, argument, min, max)
      : parts.repairedFree(backend, min);
  backend.lock.release();

  // result
  return result ?? 0;
}

/** The part of ALLOC that is done with the backend's lock held. */
export function* repairedAlloc(
  backend: WithParts<RepairedPasidRequestParts>,
  process: Process,
  argument: number,
  min: number,
  max: number,
): Steps<Result> {
  // state
  const { owner, pasids, parts } = backend;
  if (hasSecondMember(backend) || !allCanNest(backend)) return 'EOPNOTSUPP';

  // effect
  // 0 is what requests without a PASID have.
  const pasid = owner && pasids.allocate(owner, Math.max(min, 1), Math.min(max, PASID_COUNT - 1));
  if (pasid === undefined) return 'ENOSPC';

  // result
  return yield* parts.tellRepaired(backend, process, argument, pasid);
}

/** Returns the PASID to the caller; one that cannot be returned is freed. */
export function* tellRepaired(
  { pasids }: Type1State,
  process: Process,
  argument: number,
  pasid: number,
): Steps<Result> {
  if ((yield* writeResult(process, argument, pasid)) === 0) return 0;
  pasids.free(pasid);
  return 'EFAULT';
}

/** The part of FREE that is done with the backend's lock held. */
export function repairedFree({ owner, pasids }: Type1State, pasid: number): Errno | undefined {
  // state
  const actual = pasids.allocator.ownerOf(pasid);
  if (actual === undefined) return 'ENOENT';
  if (actual !== owner) return 'EACCES';

  // effect
  pasids.free(pasid);
  return undefined;
}
