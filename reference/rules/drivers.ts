import type { BindDriverOp, UnbindDriverOp } from '../../spec/uapi/vocabulary.ts';
import type { Call } from '../call.ts';
import type { Conditions, Effects } from '../rule-functions.ts';
import { detachGroup, newGroup } from '../state.ts';

export const conditions = {
  unbind_of_last_device_orphans_group: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    return (
      device !== 'claimed' && call.world.slots.get(slot)!.devices.every(({ bound }, i) => bound === (i === device))
    );
  },
  unbind_of_what_has_no_driver: (call) => !hasDriver(call),
  unbind_waits_for_open_device: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    return device !== 'claimed' && call.world.slots.get(slot)!.devices[device]!.opens > 0;
  },
  unbind_of_one_device: (call) => (call.op as UnbindDriverOp).device !== 'claimed',
  bind_to_what_has_a_driver: (call) => hasDriver(call),
  bind_of_a_driver_that_does_not_match: (call) =>
    ((call.op as BindDriverOp).driver === 'native') !== ((call.op as BindDriverOp).device === 'claimed'),
  unbind_of_claiming_driver_makes_group_viable: (call) => (call.op as UnbindDriverOp).device === 'claimed',
  bind_native_driver_to_claimed_group: (call) => {
    const { slot, driver } = call.op as BindDriverOp;
    return driver === 'native' && call.world.slots.get(slot)!.group.container !== undefined;
  },
  bind_native_driver_makes_group_not_viable: (call) => (call.op as BindDriverOp).driver === 'native',
  bind_vfio_driver_makes_new_group: (call) => (call.op as BindDriverOp).driver === 'vfio-pci',
} satisfies Conditions;

export const effects = {
  unbind_of_last_device_orphans_group: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    const { group, devices } = call.world.slots.get(slot)!;
    devices[device as number]!.bound = false;
    detachGroup(call.world, group);
    group.orphaned = true;
  },
  unbind_of_one_device: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    call.world.slots.get(slot)!.devices[device as number]!.bound = false;
  },
  unbind_of_claiming_driver_makes_group_viable: (call) => {
    call.world.slots.get((call.op as UnbindDriverOp).slot)!.claimed = false;
  },
  bind_native_driver_makes_group_not_viable: (call) => {
    call.world.slots.get((call.op as BindDriverOp).slot)!.claimed = true;
  },
  bind_vfio_driver_makes_new_group: (call) => {
    const { slot: name, device } = call.op as BindDriverOp;
    const slot = call.world.slots.get(name)!;
    slot.devices[device as number]!.bound = true;
    if (slot.group.orphaned) slot.group = newGroup(slot);
  },
} satisfies Effects;

function hasDriver(call: Call): boolean {
  const { slot: name, device } = call.op as UnbindDriverOp;
  const slot = call.world.slots.get(name)!;
  return device === 'claimed' ? slot.claimed : slot.devices[device]!.bound;
}
