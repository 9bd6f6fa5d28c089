import { Problem } from './problem.ts';
import type { Program } from './vocabulary.ts';

/** Limits that the schemas cannot state. docs/protocol.md has all of them, and how far the suites stay below. */
export const limits = {
  /** Characters of one program as JSON, in a file, a token or a request. */
  program: 1 << 24,
  /** Characters of one line of the adapter protocol, in either direction. */
  line: 1 << 26,
  /** Characters of one line of a record: a program with what a line of the protocol brought back. */
  recordLine: 1 << 27,
  /** Characters of a whole file that is read: what Node.js can hold as one text. */
  file: (1 << 29) - 24,
  /** Bytes of memory that all processes of a program map; a fork counts what its process has mapped once more. */
  memory: 1 << 26,
  /** Memories that all processes of a program map. */
  memories: 1024,
  /** Processes of a program, the first one included. */
  processes: 64,
} as const;

/** What of a program that fits its schema is too much, as a clause; undefined if nothing is. Nothing is allocated to say so. */
export function tooMuch({ ops }: Program): string | undefined {
  const mapped = new Map([['main', { bytes: 0, memories: 0 }]]);
  const all = { bytes: 0, memories: 0, processes: 1 };
  for (const [i, op] of ops.entries()) {
    const own = mapped.get((op.actor ?? 'main').split('/')[0]!);
    // An actor that nobody made is reported by who looks for unknown names.
    if (!own) continue;
    if (op.op === 'mmap') {
      own.bytes += op.length;
      own.memories++;
      all.bytes += op.length;
      all.memories++;
    } else if (op.op === 'fork') {
      mapped.set(op.as, { ...own });
      all.bytes += own.bytes;
      all.memories += own.memories;
      all.processes++;
    } else continue;
    if (all.bytes > limits.memory)
      return `/ops/${i} takes the memory of all processes to ${all.bytes} bytes, and a program may have ${limits.memory}`;
    if (all.memories > limits.memories)
      return `/ops/${i} is one memory more than the ${limits.memories} that a program may have`;
    if (all.processes > limits.processes)
      return `/ops/${i} is one process more than the ${limits.processes} that a program may have`;
  }
  return undefined;
}

/** Throws a Problem for a text that is too long to be read; `what` says what it is, `most` how many characters it may have. */
export function refuseLongText(text: string, most: number, place: string, what: string): void {
  if (text.length > most)
    throw new Problem(`${place}: ${what} of ${text.length} characters, and at most ${most} are read; make it shorter.`);
}
