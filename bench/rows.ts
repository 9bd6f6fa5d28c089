/** One figure against the bar that it has to hold. */
export interface Row {
  what: string;
  value: number;
  unit: string;
  bar: number;
  /** more: the value should be at least the bar; less: at most. */
  better: 'more' | 'less';
}

/** The row in one line; the ratio is 1 or more where the bar holds. */
export function describeRow({ what, value, unit, bar, better }: Row): string {
  const ratio = better === 'more' ? value / bar : bar / value;
  const shown = (number: number) => (number >= 1000 ? Math.round(number).toLocaleString('en') : number.toPrecision(3));
  return `${what.padEnd(66)} ${shown(value).padStart(12)} ${unit.padEnd(6)} bar ${shown(bar).padStart(9)}  ratio ${ratio.toFixed(2).padStart(6)}${ratio < 1 ? '  BELOW' : ''}`;
}

/** Seconds that something takes, best of some runs: the least disturbed one. */
export async function seconds(runs: number, work: () => Promise<void> | void): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await work();
    best = Math.min(best, (performance.now() - started) / 1000);
  }
  return best;
}
