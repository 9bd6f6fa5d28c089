import { uapi } from '../../../../spec/uapi/uapi.ts';
import type { Process } from '../../files/file-table.ts';
import type { Errno, Result } from '../../result.ts';
import { LOCK, type Steps } from '../../steps.ts';
import type { Type1State, WithParts } from '../../type1/type1-state.ts';
import { hasSecondMember } from '../container-devices.ts';
import { type BindData, HEADER_BYTES } from '../guest-structs.ts';
import { copyHeader } from '../request-header.ts';
import { bindSource, type DataSource } from './posted-data.ts';
import { callForEachDevice } from './posted-loop.ts';

const { VFIO_IOMMU_BIND_GUEST_PGTBL: BIND, VFIO_IOMMU_UNBIND_GUEST_PGTBL: UNBIND } = uapi.flags.bind_flags!;

/** What BIND as it was posted calls through the backend's table. */
export interface PostedBindParts {
  readonly postedBindLocked: typeof postedBindLocked;
  readonly undoPostedBind: typeof undoPostedBind;
}

/** VFIO_IOMMU_BIND as it was posted: binds a guest table on every device, or unbinds it. */
export function* postedBind(backend: WithParts<PostedBindParts>, process: Process, argument: number): Steps<Result> {
  // copies
  const header = yield* copyHeader(process, argument);
  if (header === undefined) return 'EFAULT';
  if (header.argsz < HEADER_BYTES) return 'EINVAL';
  const source = yield* bindSource(backend, process, argument + HEADER_BYTES);
  if (typeof source === 'string') return source;

  // argument
  const way = header.flags & (BIND! | UNBIND!);
  if (way !== BIND && way !== UNBIND) return 'EINVAL';
  if (way === BIND && hasSecondMember(backend)) return 'EOPNOTSUPP';

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const errno = yield* backend.parts.postedBindLocked(backend, process, source, way === BIND);
  backend.lock.release();

  // result
  return errno ?? 0;
}

/** The same with the backend's lock held. */
export function* postedBindLocked(
  backend: WithParts<PostedBindParts>,
  process: Process,
  source: DataSource<BindData>,
  binds: boolean,
): Steps<Errno | undefined> {
  // state
  if (backend.domains.length === 0) return 'EINVAL';

  // effect
  if (!binds) return yield* unbind(backend, source);
  const bind = callForEachDevice(backend, source, (driver, device, data) => driver.bind(device, data, process.mm));
  const errno = yield* bind;
  if (errno !== undefined) yield* backend.parts.undoPostedBind(backend, source, errno);

  // result
  return errno;
}

/** Undoes a BIND that failed: not what was done now, but whatever has the number. */
export function* undoPostedBind(backend: Type1State, source: DataSource<BindData>, _errno: Errno): Steps<void> {
  yield* unbind(backend, source);
}

function unbind(backend: Type1State, source: DataSource<BindData>): Steps<Errno | undefined> {
  return callForEachDevice(backend, source, (driver, device, { hpasid }) => driver.unbind(device, hpasid));
}
