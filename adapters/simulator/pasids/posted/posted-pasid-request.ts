import type { Process } from '../../files/file-table.ts';
import type { Errno, Result } from '../../result.ts';
import { LOCK, type Steps } from '../../steps.ts';
import type { Type1State } from '../../type1/type1-state.ts';
import { hasSecondMember } from '../container-devices.ts';
import { HEADER_BYTES } from '../guest-structs.ts';
import { ALLOC, copyRange, FREE, writeResult } from '../pasid-request-struct.ts';
import { copyHeader } from '../request-header.ts';

/** VFIO_IOMMU_PASID_REQUEST as it was posted: gives a PASID out or takes one back. */
export function* postedPasidRequest(backend: Type1State, process: Process, argument: number): Steps<Result> {
  // copies
  const header = yield* copyHeader(process, argument);
  if (header === undefined) return 'EFAULT';
  const { argsz, flags } = header;
  if (argsz < HEADER_BYTES || (flags & ~(ALLOC | FREE)) !== 0 || flags === (ALLOC | FREE)) return 'EINVAL';
  const range = yield* copyRange(process, argument);
  if (range === undefined) return 'EFAULT';

  // argument
  if (flags === 0) return 'EINVAL';
  if (flags === ALLOC && hasSecondMember(backend)) return 'EOPNOTSUPP';

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const result = flags === ALLOC ? allocate(backend, range.min, range.max) : (free(backend, range.min) ?? 0);
  backend.lock.release();
  if (flags === FREE || typeof result === 'string') return result;

  // result
  // Bytes that are left over come out as they are.
  return yield* writeResult(process, argument, result);
}

/** All that can go wrong comes out as the same errno. A number that looks like none stays allocated all the same. */
function allocate({ domains, owner, pasids }: Type1State, min: number, max: number): Result {
  // state
  if (domains.length === 0 || owner === undefined) return 'EFAULT';

  // effect
  const pasid = pasids.allocate(owner, min, max);

  // result
  return pasid === undefined || (pasid | 0) <= 0 ? 'EFAULT' : pasid;
}

function free({ domains, owner, pasids }: Type1State, pasid: number): Errno | undefined {
  // state
  if (domains.length === 0) return 'EFAULT';
  if (owner === undefined) return 'EINVAL';
  const actual = pasids.allocator.ownerOf(pasid);
  if (actual === undefined) return 'ENOENT';
  if (actual !== owner) return 'EACCES';

  // effect
  pasids.free(pasid);
  return undefined;
}
