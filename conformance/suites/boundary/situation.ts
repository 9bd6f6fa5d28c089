import type { Change, Machine, Name, Op, Slot } from '../../../spec/uapi/vocabulary.ts';
import { setContainer, unmapAll } from '../../programs/build.ts';

/** A state that an ioctl can meet, and how to get there. */
export interface Situation {
  /** Short name; C0, C1, C2 and G0, GN, G1, GX are the states of container and group. */
  id: string;
  sentence: string;
  /** Kind of descriptor whose ioctls are probed here, and its name. */
  probe: 'container' | 'group' | 'device';
  fd: Name;
  machine?: Machine;
  slots: Record<Name, Slot>;
  changes?: Change[];
  /** The parameter of the contract that says whether there is what the situation is about. */
  feature?: string;
  /**
   * How much is tried here. `pairs`: two fields at once, ranges, and every cut; `ranges`: ranges and every cut; by default
   * single fields; `essential`: single fields at few of their edges; `ordinary`: one ordinary request of each kind.
   */
  effort?: 'pairs' | 'ranges' | 'essential' | 'ordinary';
  /** Only arguments in this form are tried thoroughly: as they always are, or with the part that a flag adds. */
  form?: 'plain' | 'extended';
  /** Numbers that nobody knows are tried here. */
  numbers?: boolean;
  /** The ioctls that are tried here, if not all of the descriptor. */
  only?: readonly string[];
  /** Set-up; one page of the memory `arg` comes before it. */
  ops: Op[];
  /** Ops after the one under test, if others than usual. */
  witnesses?: Op[];
}

/** Ops after the one under test that make its effect visible: what is mapped, whether a backend is there, whether the group is attached. */
export const witnesses: Record<Situation['probe'], Op[]> = {
  container: [unmapAll('c')],
  group: [setContainer('g', 'c')],
  device: [],
};
