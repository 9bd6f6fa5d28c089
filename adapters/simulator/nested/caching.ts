/** Of how many occasions to keep or to use a translation one is let pass. */
const RARITY = 6;

/**
 * Decides whether hardware keeps a translation that it may keep, and whether it uses one that it has. Software cannot
 * rely on either.
 */
export interface Caching {
  keeps(): boolean;
  uses(): boolean;
}

/** Keeps and uses most translations, as if at random; a seed and a program always give the same decisions. */
export class SeededCaching implements Caching {
  private state = 0;

  constructor(seed: string, program: string) {
    const both = `${seed} ${program}`;
    for (let i = 0; i < both.length; i++) this.state = Math.imul(this.state ^ both.charCodeAt(i), 0x0100_0193);
  }

  keeps(): boolean {
    return this.next() % RARITY !== 0;
  }

  uses(): boolean {
    return this.next() % RARITY !== 0;
  }

  /** The next number of a mulberry32 sequence. */
  private next(): number {
    this.state = (this.state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
