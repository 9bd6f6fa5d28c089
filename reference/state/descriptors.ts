import { nameDescriptor, numberOf } from './names.ts';
import {
  detachGroup,
  type Group,
  type OpenDevice,
  type OpenFileDescription,
  type Process,
  type World,
} from './state.ts';

/** Gives a process a descriptor, the lowest free one, under a name. */
export function install(process: Process, name: string, description: OpenFileDescription): void {
  let number = 0;
  while (process.descriptors.has(number)) number++;
  process.descriptors.set(number, description);
  nameDescriptor(process, name, number);
  process.closeOnExec.delete(number);
  description.refs++;
}

/** Whether a process may have one more descriptor, or as many as asked. */
export function hasFreeDescriptor(process: Process, count = 1): boolean {
  let free = 0;
  for (let number = 0; number < process.openFiles; number++) {
    if (!process.descriptors.has(number) && ++free === count) return true;
  }
  return false;
}

/** Closes a named descriptor. */
export function release(world: World, process: Process, name: string): void {
  const number = numberOf(process, name);
  const description = process.descriptors.get(number);
  process.descriptors.delete(number);
  process.names.delete(name);
  if (description) drop(world, description);
}

/** Gives up one reference to what a descriptor refers to. */
export function drop(world: World, description: OpenFileDescription): void {
  description.refs--;
  if (description.refs > 0) return;
  const { object } = description;
  if (object.kind === 'group') {
    object.open = 0;
    letGo(world, object);
  } else if (object.kind === 'device') {
    closeDevice(world, object);
  }
}

function closeDevice(world: World, { device, group }: OpenDevice): void {
  device.opens--;
  if (device.opens === 0) device.stop();
  group.devicesOpen--;
  letGo(world, group);
}

/** A group leaves its container when neither its node nor a device of it is open. */
function letGo(world: World, group: Group): void {
  if (group.open === 0 && group.devicesOpen === 0) detachGroup(world, group);
}
