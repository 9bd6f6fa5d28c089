import type { Chooser } from '../call/chooser.ts';

const nothing: readonly number[] = [];

/** Takes choices from a list, then with 0, and knows the next list in ascending order. */
export class Recorder implements Chooser {
  /** What was chosen, in order. */
  readonly taken: number[] = [];
  private readonly ways: number[] = [];
  private readonly given: readonly number[];

  constructor(given: readonly number[] = nothing) {
    this.given = given;
  }

  choose(ways: number): number {
    const choice = this.given[this.taken.length] ?? 0;
    this.taken.push(choice);
    this.ways.push(ways);
    return choice;
  }

  /** The list after that which was taken; undefined after the last. */
  next(): number[] | undefined {
    for (let i = this.taken.length - 1; i >= 0; i--) {
      if (this.taken[i]! + 1 < this.ways[i]!) return [...this.taken.slice(0, i), this.taken[i]! + 1];
    }
    return undefined;
  }
}
