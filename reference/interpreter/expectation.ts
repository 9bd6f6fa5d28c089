import type { Rule, RuleOutcome } from '../../spec/contract/types.ts';
import type { Changed, Name, TransferFault } from '../../spec/uapi/vocabulary.ts';
import type { Region } from '../memory/user-memory.ts';
import type { Process } from '../state/state.ts';

/** Which rule decided an op, and what it gives back. */
export interface Decision {
  rule: Rule;
  outcome: RuleOutcome;
}

/** Bytes of a region. */
export interface UnspecifiedMemory {
  process: Process;
  region: Region;
  at: number;
  length: number;
  accepts?: (bytes: Uint8Array) => boolean;
  learn?: (bytes: Uint8Array) => void;
}

/** What some ops give beside their result. */
export type Output =
  | { kind: 'none' }
  /** peek. */
  | { kind: 'bytes'; bytes: string }
  /** ioctl: outputs by their names; `again` takes them again where they are known only once what was left open is. */
  | { kind: 'saved'; saved: Record<Name, bigint>; again: (() => Record<Name, bigint>) | undefined }
  /** dma: the first reason why something was not translated. */
  | { kind: 'fault'; fault: TransferFault };

/** Why something was not translated; undefined where nothing is wrong. */
export const faultOf = ({ output }: Pick<Expectation, 'output'>): TransferFault | undefined =>
  output.kind === 'fault' ? output.fault : undefined;

/** What the contract expects of an op, the state having changed accordingly. */
export interface Expectation extends Decision {
  /** The id of the handler that speaks of the op, or VOCABULARY. */
  handler: string;
  /** ioctl: bytes from its argument to the end of the last that was written or could not be. */
  extent: number;
  changed: Changed[];
  /** Rules whose effects the op had, in order. */
  effects: readonly string[];
  /** What the op gives beside its result. */
  output: Output;
  /** Memory whose new contents are not specified. */
  unspecified?: UnspecifiedMemory[];
}
