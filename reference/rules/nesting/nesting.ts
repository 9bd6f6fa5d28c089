import type { AnyCall } from '../../call/families.ts';
import { backendOf, containerOf } from '../../call/operands.ts';
import type { Device } from '../../state/device.ts';
import { tearDown, unbindFrom } from '../../state/pasids.ts';
import { type Container, membersOf, type World } from '../../state/state.ts';
import type { Conditions, Effects } from '../rule-functions.ts';

const PASID_BITS = 20;

/** Every device of a container, whatever its driver. */
export function devicesOf({ groups }: Container): Device[] {
  const devices: Device[] = [];
  for (const group of groups) devices.push(...membersOf(group));
  return devices;
}

export const severalGroups = (call: AnyCall): boolean => containerOf(call).groups.size > 1;
export const severalDevices = (call: AnyCall): boolean => devicesOf(containerOf(call)).length > 1;

/** Whether a device is a function, or has a parent device, that sends PASIDs of 20 bits through an IOMMU that nests. */
export function canNest({ world }: AnyCall, { slot: { kind = 'pci', pasidBits = PASID_BITS } }: Device): boolean {
  return world.environment.nesting !== undefined && (kind === 'pci' || kind === 'mediated') && pasidBits === PASID_BITS;
}

export const isMediated = ({ slot }: Device): boolean => slot.kind === 'mediated';
export const someCannotNest = (call: AnyCall): boolean =>
  devicesOf(containerOf(call)).some((one) => !canNest(call, one));
export const someIsMediated = (call: AnyCall): boolean => devicesOf(containerOf(call)).some(isMediated);

export const conditions = {
  nesting_ioctl_needs_nesting_type: (call) => !backendOf(call).nesting,
  nesting_ioctl_with_second_group: severalGroups,
  nesting_ioctl_with_second_device: severalDevices,
  nesting_ioctl_mediated_device_cannot_nest: someIsMediated,
  nesting_ioctl_device_cannot_nest: someCannotNest,
} satisfies Conditions<AnyCall>;

export const effects = {
  device_detach_frees_pasid_table: ({ world }) => {
    for (const { devices } of world.left) {
      for (const device of devices) {
        device.pasidTable.clear();
        device.tlb.flush({});
      }
    }
  },
  device_detach_unbinds: ({ world }) => {
    for (const { devices } of world.left) {
      for (const device of devices) {
        for (const pasid of world.pasids.keys()) unbindFrom(world, pasid, device);
        device.pasidTable.clear();
        device.tlb.flush({});
      }
    }
  },
  last_backend_frees_pasids: ({ world }) => endOwners(world, () => {}),
  last_backend_unbinds_pasids: ({ world }) => endOwners(world, (pasid) => tearDown(world, pasid)),
} satisfies Effects<AnyCall>;

/** Frees the PASIDs of the owners whose last backend went, each after something was done about it. */
function endOwners(world: World, before: (pasid: number) => void): void {
  for (const { owner } of world.left) {
    if (!owner) continue;
    for (const [pasid, { owner: whose }] of world.pasids) {
      if (whose !== owner) continue;
      before(pasid);
      world.pasids.delete(pasid);
    }
    for (let i = world.lostPasids.length; i-- > 0; )
      if (world.lostPasids[i]!.owner === owner) world.lostPasids.splice(i, 1);
    world.unpromised += owner.limit;
    world.owners.delete(owner.process);
  }
}
