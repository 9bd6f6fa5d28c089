import { Problem } from '../../spec/uapi/problem.ts';

/** A daemon started, and what it said of itself is not what the protocol allows. */
export class NotTheProtocol extends Problem {
  /** What it did, as a clause. */
  readonly clause: string;

  constructor(message: string, clause: string) {
    super(message);
    this.clause = clause;
  }
}
