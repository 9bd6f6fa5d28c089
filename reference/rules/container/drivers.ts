import type { AnyCall } from '../../call/families.ts';
import { opOf } from '../../call/operands.ts';
import { detachGroup, newGroup } from '../../state/state.ts';
import type { Conditions, Effects } from '../rule-functions.ts';

export const conditions = {
  unbind_driver_of_last_device_orphans_group: (call) => {
    const { slot, device } = opOf(call, 'unbind_driver');
    return (
      device !== 'bound_to_host_driver' &&
      call.world.slots.get(slot)!.devices.every(({ bound }, i) => bound === (i === device))
    );
  },
  unbind_driver_not_bound: (call) => !hasDriver(call),
  unbind_driver_waits_for_open_device: (call) => {
    const { slot, device } = opOf(call, 'unbind_driver');
    return device !== 'bound_to_host_driver' && call.world.slots.get(slot)!.devices[device]!.opens > 0;
  },
  unbind_driver_of_one_device: (call) => opOf(call, 'unbind_driver').device !== 'bound_to_host_driver',
  bind_driver_already_bound: (call) => hasDriver(call),
  bind_driver_does_not_match: (call) =>
    (opOf(call, 'bind_driver').driver === 'host') !== (opOf(call, 'bind_driver').device === 'bound_to_host_driver'),
  unbind_host_driver_makes_group_viable: (call) => opOf(call, 'unbind_driver').device === 'bound_to_host_driver',
  bind_host_driver_to_attached_group: (call) => {
    const { slot, driver } = opOf(call, 'bind_driver');
    return driver === 'host' && call.world.slots.get(slot)!.group.container !== undefined;
  },
  bind_host_driver_makes_group_not_viable: (call) => opOf(call, 'bind_driver').driver === 'host',
  bind_vfio_driver_makes_new_group: (call) => opOf(call, 'bind_driver').driver === 'vfio-pci',
} satisfies Conditions<AnyCall>;

export const effects = {
  unbind_driver_of_last_device_orphans_group: (call) => {
    const { slot, device } = opOf(call, 'unbind_driver');
    const { group, devices } = call.world.slots.get(slot)!;
    devices[device as number]!.bound = false;
    detachGroup(call.world, group);
    group.orphaned = true;
  },
  unbind_driver_of_one_device: (call) => {
    const { slot, device } = opOf(call, 'unbind_driver');
    call.world.slots.get(slot)!.devices[device as number]!.bound = false;
  },
  unbind_host_driver_makes_group_viable: (call) => {
    call.world.slots.get(opOf(call, 'unbind_driver').slot)!.boundToHostDriver = false;
  },
  bind_host_driver_makes_group_not_viable: (call) => {
    call.world.slots.get(opOf(call, 'bind_driver').slot)!.boundToHostDriver = true;
  },
  bind_vfio_driver_makes_new_group: (call) => {
    const { slot: name, device } = opOf(call, 'bind_driver');
    const slot = call.world.slots.get(name)!;
    slot.devices[device as number]!.bound = true;
    if (slot.group.orphaned) slot.group = newGroup(slot);
  },
} satisfies Effects<AnyCall>;

function hasDriver(call: AnyCall): boolean {
  const { slot: name, device } = opOf(call, 'bind_driver', 'unbind_driver');
  const slot = call.world.slots.get(name)!;
  return device === 'bound_to_host_driver' ? slot.boundToHostDriver : slot.devices[device]!.bound;
}
