import { Problem } from '../../spec/uapi/problem.ts';

/** A whole number, in decimal digits. `name`: what it is for, as it is typed. Throws a Problem. */
export function wholeNumber(name: string, text: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = value > most ? `${least} to ${most}` : `${least} up`;
  throw new Problem(`--${name} ${text}: give a whole number from ${range}, in decimal digits.`);
}
