import type { Contract } from '../reference/contract.ts';
import type { Need } from '../spec/uapi/adapter.ts';
import { machineName, spelledOut } from '../spec/uapi/emulated-machine.ts';
import type { Environment, Machine, Program, Slot, Topology } from '../spec/uapi/vocabulary.ts';

/** A named way of making programs. */
export interface Suite {
  name: string;
  /** One sentence. */
  about: string;
  /** The machines and groups that its programs ask for. */
  needs(): Need[];
  /** The programs for one machine, made from the contract and from what the machine is. */
  programs(contract: Contract, environment: Environment): Iterable<Program>;
}

/** Single-device viable group with a device that can transfer. */
export const single: Slot = { devices: 1, viable: true };
/** Group of two devices. */
export const multi: Slot = { devices: 2, viable: true };
/** Group of one device that can be reset on its own. */
export const resettable: Slot = { devices: 1, viable: true, resettable: true };
/** Group with a device that a kernel driver owns. */
export const notViable: Slot = { devices: 1, viable: false };

/** One machine for all: for each kind of machine, the groups that any of the needs asks for at once. */
export function mergeNeeds(needs: Need[]): Need[] {
  const machines = new Map<string, Need>();
  for (const { machine, slots } of needs) {
    const key = machineName(spelledOut(machine));
    const merged = machines.get(key) ?? { machine, slots: [] };
    machines.set(key, merged);
    const left = [...merged.slots];
    for (const slot of slots) {
      const at = left.findIndex((one) => sameSlot(one, slot));
      if (at < 0) merged.slots.push(slot);
      else left.splice(at, 1);
    }
  }
  return [...machines.values()];
}

/** For each slot that a program wants a slot of the environment; undefined if one is missing. */
export function assignSlots(
  wanted: Program['topology']['slots'],
  environment: Environment,
): Record<string, string> | undefined {
  const free = new Map(Object.entries(environment.slots));
  const assigned: Record<string, string> = {};
  for (const [name, slot] of Object.entries(wanted)) {
    const found = [...free].find(([, one]) => sameSlot(one, slot));
    if (!found) return undefined;
    free.delete(found[0]);
    assigned[name] = found[0];
  }
  return assigned;
}

/** What a program on a machine with slots asks for. */
export const topologyOf = ({ machine, slots }: { machine?: Machine; slots: Program['topology']['slots'] }): Topology =>
  machine ? { machine, slots } : { slots };

/** Whether two machines are the same, what is not named being as by default. */
export function sameMachine(a: Machine, b: Machine): boolean {
  return machineName(spelledOut(a)) === machineName(spelledOut(b));
}

function sameSlot(a: Slot, b: Slot): boolean {
  return (
    a.devices === b.devices &&
    a.viable === b.viable &&
    (a.dma ?? true) === (b.dma ?? true) &&
    (a.iommu ?? 0) === (b.iommu ?? 0) &&
    (a.resettable ?? false) === (b.resettable ?? false) &&
    (a.kind ?? 'pci') === (b.kind ?? 'pci') &&
    (a.pasidBits ?? 20) === (b.pasidBits ?? 20)
  );
}
