import { visible } from './visible.ts';

const plain = /^[\w:=,./+@%-]+$/;

/** What single quotes show as it is. What a terminal acts on or does not show is in no command line that is to be pasted. */
const quotable = (word: string): boolean => visible(word) === word;

/** A word as it is typed in a shell (bash), so that it is that word and nothing else, whatever is in it. */
export function shellWord(word: string): string {
  if (plain.test(word)) return word;
  if (quotable(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  // In bytes, which mean the same in every locale. No word holds a NUL.
  const bytes = Buffer.from(word.replaceAll('\0', '\ufffd'));
  return `$'${Array.from(bytes, quotedByte).join('')}'`;
}

/** Words as they are typed after each other. */
export const shellWords = (words: readonly string[]): string => words.map(shellWord).join(' ');

function quotedByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === "'" || character === '\\') return `\\${character}`;
  return byte >= 0x20 && byte < 0x7f ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
}
