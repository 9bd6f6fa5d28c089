/** One figure against the bar that it has to hold. */
export interface Row {
  what: string;
  value: number;
  unit: string;
  bar: number;
  /** more: the value should be at least the bar; less: at most. */
  better: 'more' | 'less';
  /** What helps to judge the figure: another one of the same runs. */
  note?: string;
}

/** The row in one line; the ratio is 1 or more where the bar holds. */
export function describeRow({ what, value, unit, bar, better, note }: Row): string {
  const ratio = better === 'more' ? value / bar : bar / value;
  const shown = (number: number) => (number >= 1000 ? Math.round(number).toLocaleString('en') : number.toPrecision(3));
  const figures = `${what.padEnd(66)} ${shown(value).padStart(12)} ${unit.padEnd(6)} bar ${shown(bar).padStart(9)}`;
  return `${figures}  ratio ${ratio.toFixed(2).padStart(6)}${ratio < 1 ? '  BELOW' : ''}${note === undefined ? '' : `  ${note}`}`;
}

/** Seconds that pass while something is done, best of some runs: the least disturbed one. */
export async function wallSeconds(runs: number, work: () => Promise<void> | void): Promise<number> {
  return best(runs, () => performance.now() / 1000, work);
}

/**
 * Seconds that this process computes for something, all its threads together, best of some runs. What else the machine does
 * counts for less than in the time that passes.
 */
export async function cpuSeconds(runs: number, work: () => Promise<void> | void): Promise<number> {
  return best(runs, spent, work);
}

async function best(runs: number, clock: () => number, work: () => Promise<void> | void): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const started = clock();
    await work();
    least = Math.min(least, clock() - started);
  }
  return least;
}

function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
