import type { ConditionId, EffectId, WriteId } from '../../spec/contract/rule-ids.ts';
import type { Call } from '../call/call.ts';

/** Whether a rule applies. Conditions of a handler are asked in its order, so that each may rely on those before it. */
export type Condition = (call: Call) => boolean;

/** Changes the state. */
export type Effect = (call: Call) => void;

/** What the kernel copies to user memory. */
export interface Written {
  address: bigint;
  bytes: Uint8Array;
  /** Whether other bytes are as good as these; without it, none are. */
  accepts?: (bytes: Uint8Array) => boolean;
  /** Takes over into the state that the bytes could not be written, and so nobody knows them. */
  untold?: () => void;
  /** Takes over into the state which bytes were written. */
  learn?: (bytes: Uint8Array) => void;
}

/** What a rule writes; undefined if that is nothing. */
export type Content = (call: Call) => Written | undefined;

/** The functions of some rules, by what their steps need. */
export type Conditions = Partial<Record<ConditionId, Condition>>;
export type Effects = Partial<Record<EffectId, Effect>>;
export type Contents = Partial<Record<WriteId, Content>>;

/** Leaves the state as it is. */
export const nothing: Effect = () => {};

/** Whether a set of flags has one of those given. */
export const has = (flags: number, flag: number | undefined): boolean => (flags & flag!) !== 0;
