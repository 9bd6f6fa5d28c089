import type { TransitionCount } from '../spec/uapi/vocabulary.ts';

/** How many transitions a suite took, and why not the others, as a person reads it. */
export function describeTransitions({ suite, total, taken, untaken }: TransitionCount): string {
  return [
    `${suite}: ${grouped(taken)} of ${grouped(total)} transitions taken.`,
    ...untaken.map(({ why, count, example }) => `Not taken: ${grouped(count)} (${why}), such as ${example}.`),
  ].join('\n');
}

const grouped = (count: number): string => count.toLocaleString('en-US');
