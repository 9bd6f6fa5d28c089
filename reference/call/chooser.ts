/** Picks among the outcomes that the contract leaves open and nobody can see. */
export interface Chooser {
  /** A number from 0 to ways - 1; `likely` is what an implementation would do that takes the programs by their word. */
  choose(ways: number, likely?: number): number;
}

/** Takes the first of the ways that are open. */
export const firstChoice: Chooser = { choose: () => 0 };
