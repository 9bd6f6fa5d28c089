import { readFileSync, statSync } from 'node:fs';
import { limits } from './limits.ts';
import { Problem } from './problem.ts';

/** A file as text. Throws a Problem for one that cannot be read, with what to do then, and for one that is too large. */
export function readText(file: string, remedy: string): string {
  const tooLarge = new Problem(`${file}: is larger than the ${limits.file} bytes that are read; give a part of it.`);
  try {
    if (statSync(file).size > limits.file) throw tooLarge;
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Problem) throw error;
    // What is no regular file has no size before it is read.
    if ((error as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG') throw tooLarge;
    throw new Problem(`${file}: cannot be read; ${remedy}.`);
  }
}
