import { expect, it } from 'vitest';
import { toLcov } from './kernel-coverage-lcov.ts';

it('writes lines, branches and functions', () => {
  const lcov = toLcov({
    machines: 1,
    silent: 0,
    sources: [
      {
        file: 'drivers/vfio/group.c',
        path: '/out/coverage/drivers/vfio/group.c',
        text: [],
        functions: [
          { name: 'f', line: 1, count: 3 },
          { name: 'g', line: 5, count: 0 },
        ],
        lines: [
          { line: 2, function: 'f', count: 3, branches: [3, 0] },
          { line: 6, function: 'g', count: 0, branches: [0, 0] },
        ],
      },
    ],
  });
  expect(lcov).toBe(
    [
      'TN:',
      'SF:/out/coverage/drivers/vfio/group.c',
      'FN:1,f',
      'FN:5,g',
      'FNDA:3,f',
      'FNDA:0,g',
      'FNF:2',
      'FNH:1',
      'BRDA:2,0,0,3',
      'BRDA:2,0,1,0',
      'BRDA:6,0,0,-',
      'BRDA:6,0,1,-',
      'BRF:4',
      'BRH:1',
      'DA:2,3',
      'DA:6,0',
      'LF:2',
      'LH:1',
      'end_of_record',
      '',
    ].join('\n'),
  );
});
