import type { Machine, Name, Op, Slot } from '../../../spec/uapi/vocabulary.ts';

/** An operation in which something can fail, what has to be there before it, and what shows that a failure has left nothing behind. */
export interface Operation {
  id: string;
  machine?: Machine;
  slots: Record<Name, Slot>;
  before: Op[];
  op: Op;
  after: Op[];
  /** Where only so many allocations may be made to fail. */
  allocations?: number;
}
