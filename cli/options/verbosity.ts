import { Problem } from '../../spec/uapi/problem.ts';

/** Options that say how much people are told. */
export interface VerbosityOptions {
  quiet?: boolean;
  verbose?: boolean;
}

/** How much people are told: of what goes on nothing, what matters, or all. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

/** Throws a Problem. */
export function verbosityOf({ quiet, verbose }: VerbosityOptions): Verbosity {
  if (quiet && verbose) throw new Problem('--quiet and --verbose: are each the contrary of the other; give one.');
  return quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
}
