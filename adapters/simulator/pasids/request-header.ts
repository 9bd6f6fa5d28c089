import type { Process } from '../files/file-table.ts';
import { COPY_FROM_USER, type Steps } from '../steps.ts';
import { HEADER_BYTES } from './guest-structs.ts';

/** The two words that every argument begins with; undefined when they cannot be read. */
export function* copyHeader(process: Process, argument: number): Steps<{ argsz: number; flags: number } | undefined> {
  if (yield COPY_FROM_USER) return undefined;
  const words = process.mm.copyFromUser(argument, HEADER_BYTES);
  return words && { argsz: words[0]!, flags: words[1]! };
}
