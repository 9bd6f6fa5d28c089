import type { World } from '../reference/state/state.ts';
import type { CheckWorld, Party } from './worlds.ts';

/** Where the first table of each guest leads its first address: all of memory that steps change and that counts. */
export function readLeads({ parties }: CheckWorld, world: World): number[] {
  return parties.map((party) => {
    const place = placeOf(party, world);
    return place ? place.bytes[place.at]! : 0;
  });
}

/** Leads the addresses as they were when it was read. */
export function writeLeads({ parties }: CheckWorld, world: World, leads: readonly number[]): void {
  for (const [i, party] of parties.entries()) {
    const place = placeOf(party, world);
    if (place) place.bytes[place.at] = leads[i]!;
  }
}

/** Where it stands; all processes that have the memory share it. */
function placeOf({ guest }: Party, { processes }: World): { bytes: Uint8Array; at: number } | undefined {
  for (const { memory } of processes.values()) {
    const bytes = memory.regions.get(guest.memory)?.pages[Math.floor(guest.telling / 4096)]?.bytes;
    if (bytes) return { bytes, at: guest.telling % 4096 };
  }
  return undefined;
}
