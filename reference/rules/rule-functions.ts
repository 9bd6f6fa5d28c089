import type { ConditionId, EffectId, WriteId } from '../../spec/contract/rule-ids.ts';
import type { Call } from '../call/call.ts';
import type { AnyCall } from '../call/families.ts';

/** Whether a rule applies. Conditions of a handler are asked in its order, so that each may rely on those before it. */
export type Condition<Family = Call> = (call: Family) => boolean;

/** Changes the state. */
export type Effect<Family = Call> = (call: Family) => void;

/** What the kernel copies to user memory. */
export interface Written {
  address: bigint;
  bytes: Uint8Array;
  /** Whether other bytes are as good as these; without it, none are. */
  accepts?: (bytes: Uint8Array) => boolean;
  /** Takes over into the state that the bytes could not be written, and so nobody knows them. */
  notWritten?: () => void;
  /** Takes over into the state which bytes were written. */
  learn?: (bytes: Uint8Array) => void;
}

/** What a rule writes; undefined if that is nothing. */
export type Content<Family = Call> = (call: Family) => Written | undefined;

/** The functions of some rules of a family, by what their steps need. */
export type Conditions<Family> = Partial<Record<ConditionId, Condition<Family>>>;
export type Effects<Family> = Partial<Record<EffectId, Effect<Family>>>;
export type Contents<Family> = Partial<Record<WriteId, Content<Family>>>;

/** Leaves the state as it is. */
export const nothing: Effect<AnyCall> = () => {};

/** Whether a set of flags has one of those given. */
export const has = (flags: number, flag: number | undefined): boolean => (flags & flag!) !== 0;
