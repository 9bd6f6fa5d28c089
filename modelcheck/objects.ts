import type { World } from '../reference/state/state.ts';
import { holderFacts } from '../reference/state/state-key.ts';
import { readLeads } from './leads.ts';
import type { CheckWorld } from './worlds.ts';

/**
 * Descriptors, groups, containers, mappings, and where the guests' tables lead, in one line: all of a state that neither a
 * request of 2020 nor a transfer changes.
 */
export function holdersOf(checked: CheckWorld, world: World): string {
  return [...holderFacts(world), `leads ${readLeads(checked, world).join()}`].join('|');
}
