import type { Change, Name, Op, Slot } from '../../spec/uapi/vocabulary.ts';

/** Something that can be done in many states, always in the same way. */
export interface Step {
  /** Short name, unique in its stage. */
  id: string;
  /** The last op is the one that counts, and like no other of the stage; those before it only prepare memory. */
  ops: Op[];
}

/** A small world and everything that is done in it: together they span a graph of states. */
export interface Stage {
  id: string;
  /** One sentence. */
  about: string;
  slots: Record<Name, Slot>;
  changes?: Change[];
  /** Set-up; what it makes is there in every state. */
  ops: Op[];
  steps: Step[];
}

/** The op of a step that counts. */
export function deciding(step: Step): Op {
  return step.ops.at(-1)!;
}
