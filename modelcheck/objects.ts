import type { World } from '../reference/state/state.ts';
import { objectFacts } from '../reference/state/state-key.ts';
import { readFirstEntries } from './first-entries.ts';
import type { CheckWorld } from './worlds.ts';

/**
 * Descriptors, groups, containers, mappings, and where the guests' tables lead, in one line: all of a state that neither a
 * request of the 2020 nesting series nor a transfer changes.
 */
export function objectsOf(checked: CheckWorld, world: World): string {
  return [...objectFacts(world), `entries ${readFirstEntries(checked, world).join()}`].join('|');
}
