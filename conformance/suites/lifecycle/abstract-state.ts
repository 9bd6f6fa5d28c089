import type { Container, Group, OpenFileDescription, SlotState, World } from '../../../reference/state/state.ts';
import { bindingsOf, domainsOf, namedPasids, pasidsOf } from './abstract-pasids.ts';

/**
 * A world's containers, groups, backends, devices, mappings and PASIDs in one line, and who holds what. Two worlds with the
 * same line behave the same, as far as one stage can see. Memory and caches are left out.
 */
export function abstractState(world: World): string {
  const containers = new Map<Container, number>();
  const numbered = (container: Container) => {
    if (!containers.has(container)) containers.set(container, containers.size + 1);
    return containers.get(container)!;
  };
  const parts = heldBy(world, numbered);
  for (const slot of world.slots.values()) parts.push(groupOf(slot, numbered));
  for (const [container, number] of containers) parts.push(`${number} ${backendOf(container, world)}`);
  parts.push(...pasidsOf(world));
  return parts.join('; ');
}

/** Each process with its descriptors by name; a duplicate is named after the descriptor that it was made from. */
function heldBy(world: World, numbered: (container: Container) => number): string[] {
  const holders = new Map<OpenFileDescription, string>();
  return [...world.processes.values()].map((process) => {
    const words = [process.name];
    for (const name of [...process.names.keys()].sort()) {
      const description = process.descriptors.get(process.names.get(name)!)!;
      const holder = holders.get(description);
      words.push(`${name}=${holder ?? objectOf(description.object, numbered)}`);
      if (!holder) holders.set(description, process.name === 'main' ? name : `${process.name}.${name}`);
    }
    words.push(...namedPasids(process));
    return words.join(' ');
  });
}

function objectOf(object: OpenFileDescription['object'], numbered: (container: Container) => number): string {
  switch (object.kind) {
    case 'container':
      return String(numbered(object));
    case 'group':
      return nodeOf(object);
    case 'device':
      return `${nodeOf(object.group)}.${object.group.slot.devices.indexOf(object.device)}`;
    default:
      return object.kind;
  }
}

/** An orphan is not the group that its slot's node opens now. */
function nodeOf(group: Group): string {
  return group.orphaned ? `orphan of ${group.slot.name}` : `node of ${group.slot.name}`;
}

function groupOf(
  { name, group, devices, boundToHostDriver }: SlotState,
  numbered: (container: Container) => number,
): string {
  const words = [name, group.container ? `in ${numbered(group.container)}` : 'alone'];
  if (group.orphaned) words.push('orphaned');
  if (boundToHostDriver) words.push('bound_to_host_driver');
  devices.forEach((device, i) => {
    if (!device.bound) words.push(`${i} without driver`);
    if (device.busMaster) words.push(`${i} bus master`);
    for (const word of bindingsOf(device)) words.push(`${i} ${word}`);
  });
  return words.join(' ');
}

function backendOf({ backend }: Container, world: World): string {
  if (!backend) return 'without backend';
  const words = [`type ${backend.type}`];
  if (backend.dirtyTracking) words.push('tracking');
  words.push(...domainsOf(backend, world));
  for (const { iova, charged, vaddrInvalid } of backend.mappings) {
    const { name } = charged.process;
    const owner = world.processes.get(name) === charged.process ? name : 'the dead';
    words.push(`0x${iova.toString(16)} of ${owner}${vaddrInvalid ? ' invalidated' : ''}`);
  }
  return words.join(' ');
}
