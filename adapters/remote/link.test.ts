import { expect, it } from 'vitest';
import { Tail } from './link.ts';

it('keeps the last lines, and the one that has no end yet', () => {
  const tail = new Tail(2, (line) => line.replaceAll('#', ''));
  expect(tail.add('one\ntw')).toEqual(['one']);
  expect(tail.add('o\r\n\n#\nthree\nfo#ur')).toEqual(['two', 'three']);
  expect(tail.lines()).toEqual(['two', 'three', 'four']);
});

it('keeps of a line no more than a record may keep', () => {
  const tail = new Tail(2);
  tail.add(`${'a'.repeat(100_000)}b\n${'c'.repeat(100_000)}`);
  expect(tail.lines().map((line) => line.length)).toEqual([4096, 4096]);
  expect(tail.lines()[0]).toMatch(/ab$/);
});
