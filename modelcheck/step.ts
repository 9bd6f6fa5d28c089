import type { DataLayout } from '../conformance/programs/nesting-ops.ts';
import type { IoctlOp, Name, Op } from '../spec/uapi/vocabulary.ts';
import { type CheckedRequest, requestOf } from './request.ts';

/** What a step does, as far as invariants ask. */
export type Act =
  | { kind: 'request'; request: CheckedRequest; ordinary: boolean }
  | { kind: 'info' | 'unmap' | 'end'; container: Name }
  | { kind: 'leave'; group: Name }
  | { kind: 'other' };

/** Something that can be done in every state. */
export interface CheckStep {
  id: string;
  /** The last op is the one that counts, but for steps that end something, all of whose ops do. */
  ops: Op[];
  act: Act;
}

/** A request, and what must be made to fail before it. */
export function requestStep(
  id: string,
  op: IoctlOp,
  layout: DataLayout,
  actor: string | undefined,
  before: Op[] = [],
  bytes: Uint8Array = Buffer.from(('bytes' in op.argument && op.argument.bytes) || '', 'hex'),
  ordinary = before.length === 0,
): CheckStep {
  const request = requestOf(op, bytes, layout);
  const act: Act = request ? { kind: 'request', request, ordinary } : { kind: 'other' };
  return { id, ops: withActor([...before, op], actor), act };
}

/** The same ops, made by a process. */
export const withActor = (ops: Op[], actor: string | undefined): Op[] =>
  actor === undefined ? ops : ops.map((op) => ({ ...op, actor }));
