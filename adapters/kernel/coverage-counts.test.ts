import { expect, it } from 'vitest';
import { Problem } from '../../spec/uapi/problem.ts';
import { Counts } from './coverage-counts.ts';

const file = 'drivers/vfio/group.c';

/** A report on group.c and a header, with the counts of a first and a second line. */
function report(first: number, second: number, branches: [number, number]): string {
  const line = (line_number: number, function_name: string, count: number, taken: number[] = []) => ({
    line_number,
    function_name,
    count,
    branches: taken.map((one) => ({ count: one, throw: false, fallthrough: false })),
  });
  return JSON.stringify({
    gcc_version: '12.2.0',
    files: [
      { file: 'include/linux/vfio.h', functions: [], lines: [line(1, 'inlined', 99)] },
      {
        file: `../linux/${file}`,
        functions: [
          { name: 'late', start_line: 20, execution_count: second },
          { name: 'early', start_line: 10, execution_count: first },
        ],
        lines: [line(21, 'late', second), line(11, 'early', first, branches)],
      },
    ],
  });
}

it('adds up functions, lines and branches of one file', () => {
  const counts = new Counts();
  counts.add(report(3, 0, [3, 0]), file);
  counts.add(report(4, 0, [1, 3]), file);
  expect(counts.functions).toEqual([
    { name: 'early', line: 10, count: 7 },
    { name: 'late', line: 20, count: 0 },
  ]);
  expect(counts.lines).toEqual([
    { line: 11, function: 'early', count: 7, branches: [4, 3] },
    { line: 21, function: 'late', count: 0, branches: [] },
  ]);
});

it.each([
  ['another file', JSON.stringify({ files: [{ file: 'drivers/vfio/subgroup.c', functions: [], lines: [] }] })],
  ['no JSON', 'File group.c\nLines executed: 50%'],
  ['JSON of something else', '{}'],
])('refuses %s', (_, text) => {
  expect(() => new Counts().add(text, file)).toThrow(Problem);
});
