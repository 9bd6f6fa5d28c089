import type { Op, Outcome } from '../../spec/uapi/vocabulary.ts';

/** A program that needs no VFIO, with what docs/protocol.md says that it gives. */
export interface SmokeProgram {
  /** The fact under test, as a sentence without its full stop. */
  fact: string;
  /** The section of docs/protocol.md that says so. */
  section: string;
  /** Ops, and what each gives. One more op than outcomes: the last ends the program as `unsupported`. */
  ops: readonly Op[];
  gives: readonly Outcome[];
  /** Ops of a program that is run directly before, whatever it gives: nothing of it may be left. */
  before?: readonly Op[];
}

/** What is tried together. */
export interface SmokeStep {
  name: string;
  /** Steps without which this one says nothing: it is left out when one of them failed. */
  restsOn: readonly string[];
  /** Whether an outcome may have no change but those that it has here. Steps before that one leave it open. */
  exactChanges?: boolean;
  programs: readonly SmokeProgram[];
}
