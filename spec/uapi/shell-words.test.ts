import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord, shellWords } from './shell-words.ts';
import { visible } from './visible.ts';

/** The words that bash takes a command line for. */
function wordsOfBash(line: string): string[] {
  const printed = execFileSync('/bin/bash', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
  return printed.split('\0').slice(0, -1);
}

const troublesome = [
  '',
  ' ',
  "'",
  '"',
  '\\',
  '$',
  '`',
  '!',
  ';',
  '&',
  '|',
  '\n',
  '\r',
  '\t',
  '\x1b',
  '\x7f',
  '\x9b',
  '\u202e',
  '~',
  '*',
  '#',
  '-',
  'a',
  'ä',
  '\u{1f600}',
  '\u{e0041}',
];
// What is no character of its own, and NUL, cannot be in a word.
const character = fc.oneof(fc.constantFrom(...troublesome), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }));
const word = fc
  .array(character, { maxLength: 12 })
  .map((characters) => characters.join(''))
  .filter((text) => !text.includes('\0') && !/\p{Cs}/u.test(text));

describe('shellWord', () => {
  it.each([
    ['exec:./daemon', 'exec:./daemon'],
    ['x; rm -rf ~', "'x; rm -rf ~'"],
    ["it's", "'it'\\''s'"],
    ['', "''"],
    ['a\nb', "$'a\\x0ab'"],
    ["\x1b'\\", "$'\\x1b\\'\\\\'"],
    ['a\0b', "$'a\\xef\\xbf\\xbdb'"],
  ])('writes %j as %s', (text, quoted) => {
    expect(shellWord(text)).toBe(quoted);
  });

  it('is the same words to bash, and safe to look at', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 100, maxLength: 200 }), (words) => {
        const line = shellWords(words);
        expect(visible(line)).toBe(line);
        expect(wordsOfBash(line)).toEqual(words);
      }),
      { numRuns: 10 },
    );
  });
});
