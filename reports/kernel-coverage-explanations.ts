import { parse } from 'yaml';
import { Problem } from '../spec/uapi/problem.ts';

/**
 * Why parts of a kernel's sources cannot be reached, by function: one sentence
 * for all of it, or one for each place in it. A place is a piece of the source,
 * with a space for each stretch of white space, new lines included. It stands
 * for every line that it ends in. Two pieces with ` ... ` between stand for all
 * lines from the one to the other, a piece with ` ...` after it for all lines to
 * the end of the function.
 */
export type Explanations = ReadonlyMap<string, string | ReadonlyMap<string, string>>;

/** How the reason of a part starts that a program could reach, and none does yet: it counts as reachable. */
export const NOT_YET = 'not yet; ';

/** Reads explanations from YAML: `function: why`, or `function: {lines: {text: why}}`. Throws a Problem. */
export function parseExplanations(yaml: string, file: string): Explanations {
  let data: unknown;
  try {
    data = parse(yaml) ?? {};
  } catch (error) {
    throw new Problem(`${file} is not YAML: ${(error as Error).message}`);
  }
  if (!isRecord(data)) throw new Problem(`${file}: write a map of functions.`);
  return new Map(
    Object.entries(data).map(([name, value]): [string, string | Map<string, string>] => {
      if (isReason(value)) return [name, value];
      const lines = isRecord(value) && Object.keys(value).join() === 'lines' ? value.lines : undefined;
      if (!isRecord(lines) || !Object.values(lines).every(isReason)) {
        throw new Problem(`${file}: ${name}: write one sentence, or lines: with a sentence for each piece of text.`);
      }
      return [name, new Map(Object.entries(lines as Record<string, string>))];
    }),
  );
}

/** The lines that a place stands for, from 1, in a function with code from line `first` to `last`. */
export function linesOf(place: string, text: readonly string[], first: number, last: number): number[] {
  const words = text.slice(first - 1, last).flatMap((line, at) =>
    line
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => ({ word, line: first + at })),
  );
  const [from = '', to] = place.split(/ \.\.\.(?: |$)/);
  const starts = endsOf(from, words);
  if (to === undefined) return starts;
  const ends = to === '' ? [last] : endsOf(to, words);
  return starts.flatMap((start) => {
    const end = ends.find((line) => line >= start);
    return end === undefined ? [] : Array.from({ length: end - start + 1 }, (_, at) => start + at);
  });
}

/** The lines in which a piece ends, wherever it is. */
function endsOf(piece: string, words: readonly { word: string; line: number }[]): number[] {
  const joined = words.map(({ word }) => word).join(' ');
  const found: number[] = [];
  for (let at = joined.indexOf(piece); at >= 0; at = joined.indexOf(piece, at + 1)) {
    const wordsBefore = joined.slice(0, at + piece.length).split(' ').length - 1;
    found.push(words[wordsBefore]!.line);
  }
  return [...new Set(found)];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isReason(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
