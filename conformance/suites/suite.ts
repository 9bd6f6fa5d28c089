import type { Contract } from '../../reference/interpreter/contract.ts';
import type { Need } from '../../spec/uapi/adapter.ts';
import { machineName, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import type { Environment, Machine, Op, Program, Slot, Topology } from '../../spec/uapi/vocabulary.ts';

/** What is made together: a request in a situation, a scenario, a stage. A part of the suites is a choice of units. */
export interface Unit {
  /** What the ids of its programs start with: `boundary/VFIO_IOMMU_BIND/n_bound`, `scenarios/dma_into_an_unmapped_page`. */
  id: string;
  /** What its programs are about: the ops that they perform beside those that only lead to where they start. */
  ops: readonly Op[];
  /** Makes its programs. */
  programs(): Iterable<Program>;
}

/** A named way of making programs. */
export interface Suite {
  name: string;
  /** One sentence. */
  about: string;
  /** The machines and groups that its programs ask for. */
  needs(): Need[];
  /** What there is for one machine, by the contract and by what the machine is. Programs are made only when a unit is asked. */
  units(contract: Contract, environment: Environment): Iterable<Unit>;
}

/** All programs of a suite for one machine. */
export function* programsOf(suite: Suite, contract: Contract, environment: Environment): Iterable<Program> {
  for (const unit of suite.units(contract, environment)) yield* unit.programs();
}

/** Single-device viable group with a device that can transfer. */
export const single: Slot = { devices: 1, viable: true };
/** Group of two devices. */
export const multi: Slot = { devices: 2, viable: true };
/** Group of one device that can be reset on its own. */
export const resettable: Slot = { devices: 1, viable: true, resettable: true };
/** Group with a device that is bound to a host driver. */
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

/**
 * For each slot that a program wants, in their order, the first slot of the environment that is as it should be in every
 * property and still free; undefined if there is none.
 */
export function assignSlots(
  wanted: Program['topology']['slots'],
  environment: Environment,
): Record<string, string> | undefined {
  const free = new Map(Object.entries(environment.slots));
  const assigned = new Map<string, string>();
  for (const [name, slot] of Object.entries(wanted)) {
    const found = [...free].find(([, one]) => sameSlot(one, slot));
    if (!found) return undefined;
    free.delete(found[0]);
    assigned.set(name, found[0]);
  }
  return Object.fromEntries(assigned);
}

/** What a program on a machine with slots asks for. */
export const topologyOf = ({ machine, slots }: { machine?: Machine; slots: Program['topology']['slots'] }): Topology =>
  machine ? { machine, slots } : { slots };

/** What the kind of an environment's machine is called, whatever the target calls the environment. */
export const kindOfMachine = ({ machine }: Environment): string => machineName(spelledOut(machine));

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
    (a.pasidBits ?? 20) === (b.pasidBits ?? 20) &&
    a.model === b.model
  );
}
