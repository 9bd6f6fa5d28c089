import type { Container, World } from '../reference/state/state.ts';
import { readLeads } from './leads.ts';
import type { CheckWorld } from './worlds.ts';

/**
 * Descriptors, groups, containers, mappings, and where the guests' tables lead, in one line: all of a state that neither a
 * request of 2020 nor a transfer changes.
 */
export function holdersOf(checked: CheckWorld, world: World): string {
  const facts: string[] = [];
  const containers = new Map<Container, string>();
  for (const { name: process, names, descriptors } of world.processes.values()) {
    const words: string[] = [];
    for (const [name, number] of names) {
      const { object } = descriptors.get(number)!;
      if (object.kind === 'container') containers.set(object, `${process} ${name}`);
      words.push(name);
    }
    facts.push(`${process} has ${words.sort().join()}`);
  }
  for (const { name, group, devices } of world.slots.values()) {
    const { container } = group;
    if (container && !containers.has(container)) containers.set(container, `that of ${name}`);
    facts.push(`${name} in ${container ? containers.get(container) : 'none'}`);
    for (const { opens, showsPasid } of devices) facts.push(opens > 0 ? `open ${showsPasid}` : 'closed');
  }
  for (const [{ backend }, name] of [...containers].sort(([, a], [, b]) => (a < b ? -1 : 1))) {
    if (!backend) continue;
    facts.push(`${name} of ${backend.type}, ${[...backend.mappings].map(({ iova }) => Number(iova)).join()}`);
    for (const { groups } of backend.domains) facts.push(groups.map(({ slot }) => slot.name).join());
  }
  facts.push(`leads ${readLeads(checked, world).join()}`);
  return facts.join('|');
}
