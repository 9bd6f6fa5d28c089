import { expect, test } from 'vitest';
import { describeTransitions } from './transitions.ts';

test('tells how many transitions were taken, and why the others were not', () => {
  const untaken = [{ why: 'the program that takes it was not run', count: 6, example: 'stage: state: step, rule' }];
  expect(describeTransitions({ suite: 'lifecycle', total: 1210, taken: 1204, untaken })).toBe(
    'lifecycle: 1,204 of 1,210 transitions taken.\n' +
      'Not taken: 6 (the program that takes it was not run), such as stage: state: step, rule.',
  );
});
