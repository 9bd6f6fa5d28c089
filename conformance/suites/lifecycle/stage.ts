import type { World } from '../../../reference/state/state.ts';
import type { Change, Machine, Name, Op, Slot } from '../../../spec/uapi/vocabulary.ts';
import { possible } from '../../programs/rehearsal.ts';

/** Something that can be done in many states, always in the same way. */
export interface StageStep {
  /** Short name, unique in its stage. */
  id: string;
  /** The last op is the one that counts, and like no other of the stage; those before it only prepare memory. */
  ops: Op[];
  /** States in which it is not done: what counts up must come to an end. */
  unless?: (world: World) => boolean;
}

/** A small world and everything that is done in it: together they span a graph of states. */
export interface Stage {
  id: string;
  /** One sentence. */
  about: string;
  machine?: Machine;
  slots: Record<Name, Slot>;
  changes?: Change[];
  /** Set-up; what it makes is there in every state. */
  ops: Op[];
  steps: StageStep[];
}

/** The op of a step that counts. */
export function deciding(step: StageStep): Op {
  return step.ops.at(-1)!;
}

/** Whether a step can be taken in a world; see possible(). */
export const available = (world: World, { ops, unless }: StageStep): boolean =>
  !unless?.(world) && ops.every((op) => possible(world, op));
