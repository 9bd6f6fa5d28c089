import { Problem } from '../../spec/uapi/problem.ts';

/** A whole number option. Throws a Problem. */
export function wholeNumber(name: string, text: string, least = 0): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Problem(`--${name} ${text}: give a whole number from ${least} up.`);
  return value;
}
