import { Problem } from '../../spec/uapi/problem.ts';
import { boundary } from './boundary/suite.ts';
import { faults } from './faults/suite.ts';
import { isolation } from './isolation/suite.ts';
import { lifecycle } from './lifecycle/suite.ts';
import { scenarioSuite } from './scenarios/suite.ts';
import type { Suite } from './suite.ts';

/** All suites, in the order in which a run takes them. */
export const suites: readonly Suite[] = [boundary, scenarioSuite, lifecycle, isolation, faults];

/** The suites of a comma-separated list; all without one. Throws a Problem for an unknown name. */
export function chooseSuites(list: string | undefined): Suite[] {
  if (list === undefined) return [...suites];
  return [...new Set(list.split(','))].map((name) => {
    const found = suites.find((suite) => suite.name === name);
    if (!found) {
      const known = suites.map((suite) => suite.name).join(', ');
      throw new Problem(
        name === ''
          ? `--suite ${list}: has an empty name; known are ${known}.`
          : `--suite ${name}: unknown; known are ${known}.`,
      );
    }
    return found;
  });
}
