import { expect, it } from 'vitest';
import type { SourceCoverage } from '../spec/uapi/kernel-coverage.ts';
import { toCoverageText } from './kernel-coverage.ts';

const line = (line: number, name: string, count: number, branches: number[] = []) => ({
  line,
  function: name,
  count,
  branches,
});

const source: SourceCoverage = {
  file: 'drivers/vfio/group.c',
  path: '/group.c',
  text: [
    '',
    '  called();',
    '  if (pressed)',
    '\tgoto out;',
    '  left();',
    '  back();',
    '',
    'unknown();',
    'virtual();',
    'x();',
  ],
  functions: [
    { name: 'part', line: 1, count: 5 },
    { name: 'lonely', line: 7, count: 0 },
    { name: 'hardware', line: 9, count: 0 },
    { name: 'shy', line: 10, count: 1 },
  ],
  lines: [
    line(2, 'part', 5),
    line(3, 'part', 5, [5, 0]),
    line(4, 'part', 0),
    line(5, 'part', 0),
    line(6, 'part', 5),
    line(8, 'lonely', 0),
    line(9, 'hardware', 0),
    line(10, 'shy', 1),
  ],
};

const report = (reasons: [string, string | Map<string, string>][]) =>
  toCoverageText({ machines: 2, silent: 0, sources: [source] }, new Map(reasons));

it('counts, and lists what was not reached', () => {
  expect(report([])).toBe(`What 2 machines reached of the kernel's sources.

                                 lines      of reachable          branches         functions
drivers/vfio/group.c   4 of 8   50.0 %   4 of 8   50.0 %   1 of 2   50.0 %   2 of 4   50.0 %
all                    4 of 8   50.0 %   4 of 8   50.0 %   1 of 2   50.0 %   2 of 4   50.0 %

Functions not called, and nothing says why:
  drivers/vfio/group.c: lonely (1 lines)
  drivers/vfio/group.c: hardware (1 lines)

Lines not reached, by function:
  drivers/vfio/group.c: part (2 of 5 lines)
        4  goto out;
        5  left();
`);
});

it('gives reasons, and takes lines that have one from the reachable ones', () => {
  const text = report([
    ['hardware', 'no such card'],
    ['part', new Map([['goto out', 'nobody presses']])],
  ]);
  expect(text).toMatch(/^all +4 of 8 +50.0 % +4 of 6 +66.7 % /m);
  expect(text).toContain('Functions not called, and nothing says why:\n  drivers/vfio/group.c: lonely (1 lines)\n\n');
  expect(text).toContain('Functions not called:\n  drivers/vfio/group.c: hardware (1 lines): no such card\n');
  expect(text).toContain('  drivers/vfio/group.c: part (1 of 5 lines)\n        5  left();\n');
  expect(text).toContain('  drivers/vfio/group.c: part\n    4           nobody presses\n');
});

it('takes lines in a row with the same reason together', () => {
  const text = report([['part', new Map([['goto out; ... left', 'nobody presses']])]]);
  expect(text).toContain('  drivers/vfio/group.c: part\n    4-5         nobody presses\n');
  expect(text).not.toContain('Lines not reached');
});

it('says which reasons the run disproves', () => {
  const text = report([
    ['shy', 'never called'],
    [
      'part',
      new Map([
        ['back', 'no way back'],
        ['no such text', 'of another release'],
      ]),
    ],
    ['of_another_release', 'of another release'],
  ]);
  expect(text).toContain(`Said to be out of reach, but reached:
  drivers/vfio/group.c: part, back: no way back
  drivers/vfio/group.c: shy: never called
`);
  expect(text).not.toContain('of another release');
});

it('a reason for a whole function does not excuse lines of one that was called', () => {
  expect(report([['part', 'never called']])).toMatch(/^all +4 of 8 +50.0 % +4 of 8 +50.0 % /m);
});

it('says what machines took with them', () => {
  const text = toCoverageText({ machines: 3, silent: 1, sources: [source] }, new Map());
  expect(text).toMatch(/^What 3 machines reached .*; 1 of them crashed or hung before handing over/);
});
