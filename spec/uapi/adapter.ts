import type { End, Environment, InjectOp, Machine, Outcome, Program, Slot } from './vocabulary.ts';

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
  /** The faults that its op inject performs; undefined for all of them. */
  faults?: InjectOp['fault'][];
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
  /** Those of them in which the kernel reports a fault of its own. */
  faults?: string[];
}

/** The target was lost, or is not to be trusted any more, and is started again. */
export interface Loss {
  /** `lost`: what carries the implementation failed it, or nobody is to blame. `fault`: the kernel reported a fault and goes on. */
  end: 'crashed' | 'hung' | 'lost' | 'fault';
  /** A clause, such as `it ended with status 1`. */
  why: string;
  /** Ids of the programs that were under way. */
  programs: string[];
  /** What the target wrote last, for people. */
  log: string[];
}

/** What a caller hears and says while a target starts and runs. */
export interface SessionHooks {
  /** Hears of each time that the target is lost. */
  onLoss?(loss: Loss): void;
  /** Gives the start up. */
  signal?: AbortSignal;
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
  /** Ends the target: `atOnce` without waiting for it to end by itself. Takes seconds at most. */
  stop(atOnce?: boolean): Promise<void>;
}

/** An implementation under test, and the way to reach it. */
export interface Adapter {
  /** The target as the user named it. */
  readonly target: string;
  /** Whether the target may have what is needed, as far as it can tell without starting; if it is missing, starting tells. */
  offers?(need: Need): boolean;
  /** Starts a machine that has what is needed. Throws a Problem when something is missing on this host. */
  start(need: Need, hooks?: SessionHooks): Promise<Session>;
}
