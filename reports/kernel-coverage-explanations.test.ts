import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { linesOf, parseExplanations } from './kernel-coverage-explanations.ts';

it('reads reasons for functions and for lines', () => {
  const explanations = parseExplanations('f: why not\ng: {lines: {goto out: "no, never"}}', 'x.yaml');
  expect(explanations.get('f')).toBe('why not');
  expect(explanations.get('g')).toEqual(new Map([['goto out', 'no, never']]));
});

it.each(['f: [', '- f', 'f: 1', 'f: ""', 'f: {lines: why}', 'f: {lines: {a: ""}}', 'f: {line: {a: b}}'])(
  'refuses %s',
  (yaml) => {
    expect(() => parseExplanations(yaml, 'x.yaml')).toThrow(Problem);
    expect(() => parseExplanations(yaml, 'x.yaml')).toThrow('x.yaml');
  },
);

it.each([
  ['goto out', [3, 6]],
  ['goto out;', [3, 6]],
  ['a) goto out', [3]],
  ['if (b', [5]],
  ['if (a) ... x();', [2, 3, 4]],
  ['x(); ... }', [4, 5, 6, 7]],
  ['goto out; x(); if (b', [5]],
  ['goto out ... x();', [3, 4]],
  ['{ goto out ... }', [6, 7]],
  ['x(); ...', [4, 5, 6, 7]],
  ['goto nowhere', []],
  ['goto nowhere ...', []],
  ['x(); ... goto nowhere', []],
])('%s stands for lines %j', (place, lines) => {
  const text = ['goto out;', '  if (a)', '\t\tgoto out;', '  x();', '  if (b)   {', '    goto out;', '}', 'goto out;'];
  expect(linesOf(place, text, 2, 7)).toEqual(lines);
});

it('reads the file that comes with the kernel', () => {
  const file = join(packageRoot, 'adapters/kernel/own/not-covered.yaml');
  expect(parseExplanations(readFileSync(file, 'utf8'), file).size).toBeGreaterThan(0);
});
