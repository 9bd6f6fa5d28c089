import { fromHex, toHex } from '../../spec/uapi/integer.ts';
import type { Changed } from '../../spec/uapi/vocabulary.ts';
import type { Expectation, UnspecifiedMemory } from './expectation.ts';

/** What changed outside the bytes about which the contract says nothing, in the same order. */
export function outside(unspecified: readonly UnspecifiedMemory[], changes: readonly Changed[]): Changed[] {
  return unspecified.reduce<Changed[]>((left, one) => left.flatMap((run) => without(one, run)), [...changes]);
}

/** What is left of a run of changed bytes: none, one or two runs. */
function without({ process, region, at, length }: UnspecifiedMemory, run: Changed): Changed[] {
  const bytes = fromHex(run.bytes);
  const end = run.at + bytes.length;
  const [from, to] = [Math.max(at, run.at), Math.min(at + length, end)];
  // Another process may share the pages; its copies of private ones do not change.
  const shares = run.process === undefined || run.process === process.name || !region.private;
  if (run.memory !== region.name || !shares || from >= to) return [run];
  const part = (first: number, last: number): Changed[] =>
    first < last ? [{ ...run, at: first, bytes: toHex(bytes.subarray(first - run.at, last - run.at)) }] : [];
  return [...part(run.at, from), ...part(to, end)];
}

/** Whether what changed among the bytes that the contract leaves open is something that it allows. */
export function accepted(unspecified: readonly UnspecifiedMemory[], changes: readonly Changed[] = []): boolean {
  return unspecified.every((one) => !one.accepts || one.accepts(bytesOf(one, changes)));
}

/** The bytes of an unspecified place with the changes in it. */
function bytesOf({ process, region, at, length }: UnspecifiedMemory, changes: readonly Changed[]): Uint8Array {
  const bytes = new Uint8Array(length);
  process.memory.read(region.base + BigInt(at), bytes, 0, length);
  for (const run of changes) {
    if (run.memory !== region.name || (run.process !== undefined && run.process !== process.name)) continue;
    fromHex(run.bytes).forEach((byte, i) => {
      const offset = run.at + i - at;
      if (offset >= 0 && offset < length) bytes[offset] = byte;
    });
  }
  return bytes;
}

/** Takes over into the state what the bytes that the contract left open turned out to be. */
export function adopt(
  { unspecified = [], output }: Pick<Expectation, 'unspecified' | 'output'>,
  changes: readonly Changed[] = [],
): void {
  for (const { process, region, at, length, learn } of unspecified) {
    for (const run of changes) {
      if (run.memory !== region.name || (run.process !== undefined && run.process !== process.name)) continue;
      const bytes = fromHex(run.bytes);
      const [from, to] = [Math.max(at, run.at), Math.min(at + length, run.at + bytes.length)];
      if (from < to) process.memory.poke(region, from, bytes.subarray(from - run.at, to - run.at));
    }
    if (!learn) continue;
    const bytes = new Uint8Array(length);
    process.memory.read(region.base + BigInt(at), bytes, 0, length);
    learn(bytes);
  }
  if (output.kind === 'saved' && output.again) output.saved = output.again();
}
