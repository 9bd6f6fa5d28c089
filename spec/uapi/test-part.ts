import { inject } from 'vitest';

/** Whether a sweep is run as a whole, and not the part of it that `npm test` has time for. */
export const whole = inject('sweep') === 'whole';

/** The rows of a table of a sweep: all of them, or in `npm test` one in so many. */
export function partOf<T>(rows: readonly T[], oneIn: number): T[] {
  return rows.filter((_, index) => whole || index % oneIn === 0);
}
