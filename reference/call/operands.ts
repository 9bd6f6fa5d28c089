import type { Op } from '../../spec/uapi/vocabulary.ts';
import type { Backend, Container, Group, OpenDevice } from '../state/state.ts';
import type { Call } from './call.ts';

// What a rule may rely on because of the handler that it stands in. Each throws an Error where the contract puts it elsewhere.

/** The container that the op's descriptor refers to. */
export function containerOf({ object, handler }: Call): Container {
  if (object?.kind !== 'container') throw misplaced(handler, 'a container');
  return object;
}

/** The backend of the container that the op's descriptor refers to. */
export function backendOf(call: Call): Backend {
  const { backend } = containerOf(call);
  if (!backend) throw misplaced(call.handler, 'a container with a backend');
  return backend;
}

/** The container that another descriptor refers to. */
export function containerAt({ process, handler }: Call, number: number): Container {
  const object = process.descriptors.get(number)?.object;
  if (object?.kind !== 'container') throw misplaced(handler, 'a container');
  return object;
}

/** The group that the op's descriptor refers to. */
export function groupOf({ object, handler }: Call): Group {
  if (object?.kind !== 'group') throw misplaced(handler, 'a group');
  return object;
}

/** The open device that the op's descriptor refers to. */
export function openDeviceOf({ object, handler }: Call): OpenDevice {
  if (object?.kind !== 'device') throw misplaced(handler, 'a device');
  return object;
}

/** The op, which is of one of some kinds. */
export function opOf<Kind extends Op['op']>({ op, handler }: Call, ...kinds: Kind[]): Extract<Op, { op: Kind }> {
  if (!isOf(op, kinds)) throw misplaced(handler, kinds.join(' or '));
  return op;
}

const isOf = <Kind extends Op['op']>(op: Op, kinds: readonly Kind[]): op is Extract<Op, { op: Kind }> =>
  (kinds as readonly string[]).includes(op.op);

const misplaced = (handler: string, what: string): Error =>
  new Error(`handler ${handler} has a rule that is about ${what}, and is about something else`);
