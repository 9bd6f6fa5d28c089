import { uapi } from '../../../../spec/uapi/uapi.ts';
import type { Process } from '../../files/file-table.ts';
import type { IommuDevice } from '../../iommu/iommu-group.ts';
import type { Errno, Result } from '../../result.ts';
import { COPY_FROM_USER, LOCK, type Steps } from '../../steps.ts';
import type { Type1State, WithParts } from '../../type1/type1-state.ts';
import { allCanNest, hasSecondMember, isBound, translatedDevices } from '../container-devices.ts';
import { callDriver } from '../driver-call.ts';
import { type BindData, bindData, DATA_BYTES, HEADER_BYTES } from '../guest-structs.ts';
import { PASID_COUNT } from '../pasid-allocator.ts';
import { copyHeader } from '../request-header.ts';

const { VFIO_IOMMU_BIND_GUEST_PGTBL: BIND, VFIO_IOMMU_UNBIND_GUEST_PGTBL: UNBIND } = uapi.flags.bind_flags!;
const VERSION = 1;
const FORMAT_VTD = 1;
const GUEST_PASID_VALID = 1n;
const VTD_FLAGS = 0x3fn;

/** What BIND as it should be calls through the backend's table. */
export interface RepairedBindParts {
  readonly isKnownBind: typeof isKnownBind;
  readonly repairedBindLocked: typeof repairedBindLocked;
  readonly repairedUnbind: typeof repairedUnbind;
  readonly undoRepairedBind: typeof undoRepairedBind;
}

/** VFIO_IOMMU_BIND as it should be: binds a guest table on every device or on none, or unbinds it. */
export function* repairedBind(
  backend: WithParts<RepairedBindParts>,
  process: Process,
  argument: number,
): Steps<Result> {
  // copies
  const header = yield* copyHeader(process, argument);
  if (header === undefined) return 'EFAULT';
  const { argsz, flags } = header;
  if (argsz < HEADER_BYTES + DATA_BYTES.bind || (flags !== BIND && flags !== UNBIND)) return 'EINVAL';
  if (yield COPY_FROM_USER) return 'EFAULT';
  const bytes = process.mm.copyBytesFromUser(argument + HEADER_BYTES, DATA_BYTES.bind);
  if (bytes === undefined) return 'EFAULT';

  // argument
  const data = bindData(bytes);
  if (!backend.parts.isKnownBind(data, flags === BIND)) return 'EINVAL';
  if (!backend.nesting) return 'EOPNOTSUPP';

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const errno =
    flags === BIND
      ? yield* backend.parts.repairedBindLocked(backend, process, data)
      : backend.parts.repairedUnbind(backend, data);
  backend.lock.release();

  // result
  return errno ?? 0;
}

/** Whether the data says nothing but what is known; the same for BIND and for UNBIND. */
export function isKnownBind(
  { version, format, flags, vtdFlags, paddingIsZero, hpasid }: BindData,
  _binds: boolean,
): boolean {
  if (version !== VERSION || format !== FORMAT_VTD) return false;
  if ((flags & ~GUEST_PASID_VALID) !== 0n || (vtdFlags & ~VTD_FLAGS) !== 0n) return false;
  return paddingIsZero && hpasid > 0n && hpasid < PASID_COUNT;
}

/** The devices that were bound before one that refuses are unbound again, the last one first. */
export function* repairedBindLocked(
  backend: WithParts<RepairedBindParts>,
  process: Process,
  data: BindData,
): Steps<Errno | undefined> {
  // state
  const { owner, pasids } = backend;
  const pasid = Number(data.hpasid);
  if (hasSecondMember(backend) || !allCanNest(backend)) return 'EOPNOTSUPP';
  const actual = pasids.allocator.ownerOf(pasid);
  if (actual === undefined) return 'ENOENT';
  if (actual !== owner) return 'EACCES';
  const driver = pasids.driver!;
  for (const device of translatedDevices(backend)) if (driver.knows(device, pasid)) return 'EBUSY';

  // effect
  const done: IommuDevice[] = [];
  for (const device of translatedDevices(backend)) {
    const errno = yield* callDriver(() => driver.bind(device, data, process.mm));
    if (errno !== undefined) {
      backend.parts.undoRepairedBind(backend, pasid, done);
      return errno;
    }
    done.push(device);
  }

  // result
  return undefined;
}

/** Undoes a BIND that failed: to give up what was just taken cannot fail. */
export function undoRepairedBind({ pasids }: Type1State, pasid: number, done: IommuDevice[]): void {
  for (const earlier of done.reverse()) pasids.driver!.release(earlier, pasid);
}

/** Every device is visited: like giving memory back, unbinding does not fail. */
export function repairedUnbind(backend: Type1State, { hpasid }: BindData): undefined {
  // state
  const { driver } = backend.pasids;
  const pasid = Number(hpasid);
  if (driver === undefined || !isBound(backend, pasid)) return;

  // effect
  for (const device of translatedDevices(backend)) driver.release(device, pasid);
}
