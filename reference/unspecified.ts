import { fromHex, toHex } from '../spec/uapi/integer.ts';
import type { Changed } from '../spec/uapi/vocabulary.ts';
import type { UnspecifiedMemory } from './execute.ts';

/** What changed outside the bytes about which the contract says nothing, in the same order. */
export function outside(unspecified: readonly UnspecifiedMemory[], changes: readonly Changed[]): Changed[] {
  return unspecified.reduce<Changed[]>((left, one) => left.flatMap((run) => without(one, run)), [...changes]);
}

/** What is left of a run of changed bytes: none, one or two runs. */
function without({ process, region, at, length }: UnspecifiedMemory, run: Changed): Changed[] {
  const bytes = fromHex(run.bytes);
  const end = run.at + bytes.length;
  const [from, to] = [Math.max(at, run.at), Math.min(at + length, end)];
  const mine = run.process === undefined || run.process === process.name;
  if (run.memory !== region.name || !mine || from >= to) return [run];
  const part = (first: number, last: number): Changed[] =>
    first < last ? [{ ...run, at: first, bytes: toHex(bytes.subarray(first - run.at, last - run.at)) }] : [];
  return [...part(run.at, from), ...part(to, end)];
}
