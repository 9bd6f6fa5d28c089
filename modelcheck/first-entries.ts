import type { World } from '../reference/state/state.ts';
import type { CheckWorld, Party } from './worlds.ts';

/** The entry of the first address in the first table of each guest: all of memory that steps change and that counts. */
export function readFirstEntries({ parties }: CheckWorld, world: World): number[] {
  return parties.map((party) => {
    const place = placeOf(party, world);
    return place ? place.bytes[place.at]! : 0;
  });
}

/** Sets the entries as they were when they were read. */
export function writeFirstEntries({ parties }: CheckWorld, world: World, entries: readonly number[]): void {
  for (const [i, party] of parties.entries()) {
    const place = placeOf(party, world);
    if (place) place.bytes[place.at] = entries[i]!;
  }
}

/** Where it is; all processes that have the memory share it. */
function placeOf({ guest }: Party, { processes }: World): { bytes: Uint8Array; at: number } | undefined {
  for (const { memory } of processes.values()) {
    const bytes = memory.regions.get(guest.memory)?.pages[Math.floor(guest.firstEntry / 4096)]?.bytes;
    if (bytes) return { bytes, at: guest.firstEntry % 4096 };
  }
  return undefined;
}
