import { expect, test } from 'vitest';
import { selected } from './selected.ts';
import type { When } from './types.ts';

test.each<[title: string, when: When | undefined, there: boolean]>([
  ['nothing', undefined, true],
  ['one value', { a: '1' }, true],
  ['another value', { a: '2' }, false],
  ['one of several values', { a: ['2', '1'] }, true],
  ['two parameters', { a: '1', b: '2' }, true],
  ['two parameters, one of them otherwise', { a: '1', b: '1' }, false],
  ['a parameter that is not set', { c: '1' }, false],
])('selected: %s', (_, when, there) => {
  expect(selected(when, { a: '1', b: '2' })).toBe(there);
});
