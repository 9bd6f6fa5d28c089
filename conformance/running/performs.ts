import { everyStep, tablesOf } from '../../spec/contract/steps.ts';
import type { ContractData, Handler, Step } from '../../spec/contract/types.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';

/** Numbers of the ioctls that the uapi has. */
const known = new Set(Object.values(uapi.ioctls).map(({ number }) => number));

/** Ops by which a group may leave its container, for what the contract says of that. */
const leaving: readonly string[] = ['close', 'exit', 'unbind_driver'];

/**
 * Whether an op may be one that a handler is for. What kind of descriptor a name refers to is not checked: a number
 * that two kinds share counts for both. A table is for the ops of the handlers that go through it.
 */
export function performs(data: ContractData, handler: Handler, op: Op): boolean {
  const { ioctl, op: name, table } = handler;
  if (table === 'groups left')
    return leaving.includes(op.op) || isIoctl(op, uapi.ioctls.VFIO_GROUP_UNSET_CONTAINER!.number);
  if (table !== undefined) return data.handlers.some((one) => goesThrough(one.steps, table) && performs(data, one, op));
  if (ioctl !== undefined) {
    const [what, kind] = ioctl.split(' ') as [string, string?];
    if (kind === undefined)
      return isIoctl(op, uapi.ioctls[what]!.number) || (what === 'VFIO_GROUP_GET_DEVICE_FD' && opens(op, 'device'));
    if (op.op !== 'ioctl') return false;
    if (what === 'unknown') return !known.has(Number(op.number));
    return Object.values(uapi.ioctls).some(
      ({ fd, argument, number }) => argument === 'elsewhere' && fd === kind && isIoctl(op, number),
    );
  }
  const [verb, object] = name!.split(' ') as [string, string?];
  if (name === 'allocation failure') return op.op === 'inject';
  return object === undefined ? op.op === verb : opens(op, object);
}

const opens = (op: Op, what: string): boolean => op.op === 'open' && op.what === what;

const isIoctl = (op: Op, number: number): boolean => op.op === 'ioctl' && Number(op.number) === number;

function goesThrough(steps: readonly Step[], wanted: string): boolean {
  return [...everyStep(steps)].some((step) => tablesOf(step).includes(wanted));
}
