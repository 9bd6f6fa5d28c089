import type { Op } from '../../spec/uapi/vocabulary.ts';
import type { Backend, Container, Group, OpenDevice, OpenFileDescription, Process } from '../state/state.ts';

// What a rule may rely on because of the handler that it is in. Each throws an Error where the contract puts it elsewhere.

/** An op whose descriptor refers to something, in the handler that speaks of it. */
interface OnObject {
  readonly object: OpenFileDescription['object'] | undefined;
  readonly handler: string;
}

/** The container that the op's descriptor refers to. */
export function containerOf({ object, handler }: OnObject): Container {
  if (object?.kind !== 'container') throw misplaced(handler, 'a container');
  return object;
}

/** The backend of the container that the op's descriptor refers to. */
export function backendOf(call: OnObject): Backend {
  const { backend } = containerOf(call);
  if (!backend) throw misplaced(call.handler, 'a container with a backend');
  return backend;
}

/** The container that another descriptor refers to. */
export function containerAt(
  { process, handler }: { readonly process: Process; readonly handler: string },
  number: number,
): Container {
  const object = process.descriptors.get(number)?.object;
  if (object?.kind !== 'container') throw misplaced(handler, 'a container');
  return object;
}

/** The group that the op's descriptor refers to. */
export function groupOf({ object, handler }: OnObject): Group {
  if (object?.kind !== 'group') throw misplaced(handler, 'a group');
  return object;
}

/** The open device that the op's descriptor refers to. */
export function openDeviceOf({ object, handler }: OnObject): OpenDevice {
  if (object?.kind !== 'device') throw misplaced(handler, 'a device');
  return object;
}

/** The op, which is of one of some kinds. */
export function opOf<Kind extends Op['op']>(
  { op, handler }: { readonly op: Op; readonly handler: string },
  ...kinds: Kind[]
): Extract<Op, { op: Kind }> {
  if (!isOf(op, kinds)) throw misplaced(handler, kinds.join(' or '));
  return op;
}

const isOf = <Kind extends Op['op']>(op: Op, kinds: readonly Kind[]): op is Extract<Op, { op: Kind }> =>
  (kinds as readonly string[]).includes(op.op);

const misplaced = (handler: string, what: string): Error =>
  new Error(`handler ${handler} has a rule that is about ${what}, and is about something else`);
