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

/** What the contract expects of an op, the state having changed accordingly. */
export interface Expectation extends Decision {
  /** The id of the handler that speaks of the op, or VOCABULARY. */
  handler: string;
  /** ioctl: bytes from its argument to the end of the last that was written or could not be. */
  extent: number;
  changed: Changed[];
  /** Rules whose effects the op had, in order. */
  effects: readonly string[];
  /** peek. */
  bytes?: string;
  saved?: Record<Name, bigint>;
  /** dma: the first reason why something was not translated. */
  fault?: TransferFault;
  /** Takes the saved outputs again, from memory as it is. */
  saveAgain?: () => void;
  /** Memory whose new contents are not specified. */
  unspecified?: UnspecifiedMemory[];
}
