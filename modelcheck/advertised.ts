import { uapi } from '../spec/uapi/uapi.ts';
import { type CheckTransition, containerNamed, devicesIn, succeeded } from './invariants.ts';

const { VFIO_IOMMU_TYPE1_INFO_CAP_NESTING: NESTING } = uapi.values.nesting_capability as Record<string, number>;
const { VFIO_IOMMU_PASID_REQS: ASKS_FOR_PASIDS } = uapi.values.nesting_capabilities as Record<string, number>;
/** Where GET_INFO puts the offset of the first capability, and a capability what it can do. */
const FIRST_CAPABILITY = 16;
const NEXT = 4;
const BODY = 8;

/** Whether GET_INFO has just advertised that PASIDs can be requested. */
export function advertises({ op, expectation, after }: CheckTransition): boolean {
  if (op.op !== 'ioctl' || !('memory' in op.argument) || !succeeded(expectation)) return false;
  const process = after.world.processes.get(op.actor ?? 'main')!;
  const page = process.memory.regions.get(op.argument.memory)?.pages[0];
  if (!page?.bytes) return false;
  const view = new DataView(page.bytes.buffer, page.bytes.byteOffset, page.bytes.length);
  for (let at = view.getUint32(FIRST_CAPABILITY, true); at > 0; at = view.getUint32(at + NEXT, true))
    if (view.getUint16(at, true) === NESTING) return (view.getUint32(at + BODY, true) & ASKS_FOR_PASIDS!) !== 0;
  return false;
}

/** Whether a request would be carried out if only its container were able to: ALLOC of a free PASID, BIND of a free one that belongs to its owner. */
export function asksForAbility({ step: { act }, before }: CheckTransition): string | undefined {
  if (act.kind !== 'request' || !act.ordinary) return undefined;
  const { request } = act;
  const container = containerNamed(before.world, request.container);
  if (!container?.backend) return undefined;
  const known = request.kind === 'invalidate' ? undefined : before.world.pasids.get(Number(request.pasid));
  if (request.kind === 'alloc') return known ? undefined : request.container;
  if (request.kind !== 'bind' || !known || known.owner !== container.backend.owner || known.bound) return undefined;
  const bound = devicesIn(container).some((device) => before.bindings.has(`${device} ${request.pasid}`));
  return bound || request.pasid > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : request.container;
}
