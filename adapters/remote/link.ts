import type { Readable, Writable } from 'node:stream';

/**
 * How a daemon went. `crashed`: the implementation, or what speaks for it, did. `lost`: what carries it did, such as an
 * emulator, which says nothing about the implementation.
 */
export interface Gone {
  end: 'crashed' | 'lost';
  /** A clause, such as `it ended with status 1`. */
  why: string;
}

/** A connection to a daemon that speaks the adapter protocol, and the hold on whatever runs it. */
export interface Link {
  /** What the daemon says. */
  readonly input: Readable;
  /** What the daemon is told. */
  readonly output: Writable;
  /** Resolves when the daemon is gone. Never rejects. */
  readonly gone: Promise<Gone>;
  /** The last lines that the daemon, or the kernel under it, wrote for people to read. */
  tail(): string[];
  /** Ends the daemon and gives back what it held, within a few seconds; may be called more than once. Never rejects. */
  end(): Promise<void>;
  /** Processes that were left when the daemon was ended, because they could not be. */
  left(): readonly number[];
}

/** Characters of a line that are kept: its end. */
const LONGEST = 4096;

/** Keeps the last lines of a text that comes in pieces. */
export class Tail {
  private readonly limit: number;
  private readonly clean: (line: string) => string;
  private readonly kept: string[] = [];
  private rest = '';

  /** `clean` takes from a line what is not for people. */
  constructor(limit: number, clean: (line: string) => string = (line) => line) {
    this.limit = limit;
    this.clean = clean;
  }

  /** Takes a piece and returns the lines that it completes. */
  add(piece: string): string[] {
    const lines = (this.rest + piece).split('\n');
    // A line without end must not grow without end, and none becomes longer than a record may keep.
    this.rest = (lines.pop() ?? '').slice(-LONGEST);
    const full = lines.map((line) => this.clean(line.slice(-LONGEST)).trimEnd()).filter((line) => line !== '');
    this.kept.push(...full);
    this.kept.splice(0, this.kept.length - this.limit);
    return full;
  }

  /** The last lines, with the one that has no end yet. */
  lines(): string[] {
    const rest = this.clean(this.rest).trimEnd();
    return rest === '' ? [...this.kept] : [...this.kept, rest];
  }
}
