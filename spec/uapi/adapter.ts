import type { End, Environment, Machine, Outcome, Program, Slot } from './vocabulary.ts';

/** What programs ask of a machine: its properties, and the groups that must be there at the same time. */
export interface Need {
  machine: Machine;
  slots: Slot[];
}

/** What a running target says about itself. */
export interface Description {
  /** Name of the implementation, such as `linux` or `simulator`. */
  name: string;
  /** Its version, such as `6.12.117`. */
  version: string;
  /** The ops that it can perform. */
  ops: string[];
  environment: Environment;
}

/** What a program did, as far as it got. */
export interface ProgramResult {
  end: End;
  outcomes: Outcome[];
  /** For an end other than completed: one sentence. */
  detail?: string;
  /** Lines that the kernel logged meanwhile. */
  log?: string[];
}

/** A started target. It outlives a crash of the implementation: that program fails, the next one finds it running. */
export interface Session {
  readonly description: Description;
  /** How many programs may be under way at once. */
  readonly window: number;
  /**
   * Runs one program from a fresh start. `slots` names, for each slot of the program, a slot of the environment.
   * Never throws for what the implementation does; that is in the result.
   */
  run(program: Program, slots: Record<string, string>): ProgramResult | Promise<ProgramResult>;
  stop(): Promise<void>;
}

/** An implementation under test, and the way to reach it. */
export interface Adapter {
  /** The target as the user named it. */
  readonly target: string;
  /** Whether the target may have what is needed, as far as it can tell without starting; if it is missing, starting tells. */
  offers?(need: Need): boolean;
  /** Starts a machine that has what is needed. Throws a Problem when something is missing on this host. */
  start(need: Need): Promise<Session>;
}
