import type { Need } from '../../spec/uapi/adapter.ts';
import { emulatedEnvironment, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import type { Environment, Slot } from '../../spec/uapi/vocabulary.ts';

/** PCI paths of one group: an address, or BRIDGE/SLOT.FUNCTION for a device behind a bridge. */
export interface GroupDevices {
  devices: string[];
  /** The device that a kernel driver claims. */
  bound_to_host_driver?: string;
}

/** A machine worked out: what to give the emulator, the guest and the caller. */
export interface MachineLayout {
  environment: Environment;
  /** The emulator's options that make the groups. */
  options: string[];
  /** The groups, by slot of the environment. */
  groups: Record<string, GroupDevices>;
}

/** Where the device is that carries the protocol. */
export const portAddress = 0x02;

/** Places on the root bus for groups: 0x00 is the host bridge, 0x02 the port, 0x1f the chipset. */
const firstPlace = 0x03;
const lastPlace = 0x1e;
/** Places behind a bridge: 0x00 belongs to its hot-plug controller. */
const placesBehindBridge = 0x1f;

/**
 * Works out the machine for a need. A group that the emulated machine cannot
 * have (of other devices than edu, behind a second IOMMU, one too many, or devices in company that can be
 * reset on their own) is not in the environment.
 */
export function layout(need: Need): MachineLayout {
  const machine = spelledOut(need.machine);
  const slots: Record<string, Slot> = {};
  const groups: Record<string, GroupDevices> = {};
  const options: string[] = [];
  let place = firstPlace;
  for (const [index, slot] of need.slots.entries()) {
    const single = slot.devices === 1 && slot.viable;
    const ofAnotherKind = (slot.kind ?? 'pci') !== 'pci' || slot.model !== undefined;
    if (ofAnotherKind || (slot.iommu ?? 0) !== 0 || place > lastPlace || (slot.resettable && !single)) continue;
    const name = `s${index}`;
    const group = makeGroup(name, slot, place++);
    slots[name] = { ...slot, dma: true, iommu: 0 };
    groups[name] = group.devices;
    options.push(...group.options);
  }
  return { environment: emulatedEnvironment(machine, slots), options, groups };
}

function makeGroup(name: string, slot: Slot, place: number): { devices: GroupDevices; options: string[] } {
  const address = `0000:00:${hex(place)}.0`;
  if (slot.devices === 1 && slot.viable) {
    if (!slot.resettable) {
      return { devices: { devices: [address] }, options: ['-device', `edu,bus=pcie.0,addr=0x${hex(place)}`] };
    }
    // A bus of its own can be reset, and the device with it.
    const port = `pcie-root-port,id=${name},bus=pcie.0,addr=0x${hex(place)},chassis=${place}`;
    return {
      devices: { devices: [`${address}/00.0`] },
      options: ['-device', port, '-device', `edu,bus=${name},addr=0x00`],
    };
  }
  // Behind a bridge to conventional PCI, devices cannot be distinguished: they share a group.
  const total = slot.devices + (slot.viable ? 0 : 1);
  const functions = Math.ceil(total / placesBehindBridge);
  const options = ['-device', `pcie-pci-bridge,id=${name},bus=pcie.0,addr=0x${hex(place)}`];
  const paths: string[] = [];
  for (let index = 0; index < total; index++) {
    const path = `${hex(1 + Math.floor(index / functions))}.${index % functions}`;
    const where = `bus=${name},addr=0x${path}${functions > 1 ? ',multifunction=on' : ''}`;
    paths.push(`${address}/${path}`);
    if (index < slot.devices) {
      options.push('-device', `edu,${where}`);
    } else {
      // The kernel's built-in serial driver takes this card, and with it the group's DMA.
      options.push('-chardev', `null,id=${name}-null`, '-device', `pci-serial,${where},chardev=${name}-null`);
    }
  }
  const devices = paths.slice(0, slot.devices);
  return { devices: slot.viable ? { devices } : { devices, bound_to_host_driver: paths[slot.devices]! }, options };
}

function hex(number: number): string {
  return number.toString(16).padStart(2, '0');
}
