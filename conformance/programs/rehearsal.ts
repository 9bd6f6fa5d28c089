import { match, P } from 'ts-pattern';
import { firstChoice } from '../../reference/call/chooser.ts';
import type { Contract } from '../../reference/interpreter/contract.ts';
import { execute } from '../../reference/interpreter/execute.ts';
import { copyWorld } from '../../reference/state/copy-world.ts';
import { type Process, World } from '../../reference/state/state.ts';
import type { Environment, Op, Program, Topology } from '../../spec/uapi/vocabulary.ts';

/** A program in the making, performed on the model op by op. */
export class Rehearsal {
  readonly ops: Op[];
  private readonly contract: Contract;
  private readonly environment: Environment;
  private readonly slots: Topology['slots'];
  private readonly current: World;

  /** `begun`: what was performed before. */
  constructor(
    contract: Contract,
    environment: Environment,
    slots: Topology['slots'],
    begun: { ops: readonly Op[]; world: World } = { ops: [], world: new World(environment, slots) },
  ) {
    this.contract = contract;
    this.environment = environment;
    this.slots = slots;
    this.current = begun.world;
    this.ops = [...begun.ops];
  }

  /** Another program, which begins as this one has so far. */
  fork(): Rehearsal {
    const begun = { ops: this.ops, world: copyWorld(this.current) };
    return new Rehearsal(this.contract, this.environment, this.slots, begun);
  }

  /** Those that are alive. */
  get processes(): Process[] {
    return [...this.current.processes.values()];
  }

  /** Adds an op to the program; one of which the contract does not say what happens is left out. */
  perform(op: Op): 'done' | 'refused' | 'left out' {
    const { outcome } = execute(this.contract, this.current, op, this.ops.length, firstChoice);
    if (outcome.kind === 'undefined') return 'left out';
    this.ops.push(op);
    return outcome.kind === 'errno' ? 'refused' : 'done';
  }

  /** See possible(). */
  possible(op: Op): boolean {
    return possible(this.current, op);
  }

  /** The world as the program has made it. */
  get world(): World {
    return this.current;
  }
}

/** A world in which ops were performed; undefined if one of them is impossible, refused, or not decided by the contract. */
export function worldAfter(
  contract: Contract,
  environment: Environment,
  slots: Topology['slots'],
  ops: readonly Op[],
): World | undefined {
  const rehearsal = new Rehearsal(contract, environment, slots);
  return ops.every((op) => rehearsal.possible(op) && rehearsal.perform(op) === 'done') ? rehearsal.world : undefined;
}

/**
 * Whether everything is there that an op names: what happens to names of nothing is not a matter of states. What an op makes
 * must have a name of its own, but a group's node may be opened under the same name, since it refuses to be open twice, and
 * a PASID that is free again has lost its name. One device is plugged into a slot, not one after the other.
 */
export function possible(world: World, op: Op): boolean {
  const process = world.processes.get(op.actor ?? 'main');
  if (!process) return false;
  if (op.op === 'fork') return !world.processes.has(op.as);
  if (op.op === 'plug') {
    const { devices, properties } = world.slots.get(op.slot)!;
    return devices.length === properties.devices;
  }
  if (op.op === 'ioctl' && op.save?.some(({ name }) => world.pasids.has(Number(process.saved.get(name))))) return false;
  if ('as' in op && process.names.has(op.as!) && !(op.op === 'open' && op.what === 'group')) return false;
  return namesIn(op).every(
    (name) => process.names.has(name) || process.saved.has(name) || process.memory.regions.has(name),
  );
}

/** The descriptors, memories and saved numbers that an op names. */
function namesIn(one: Op): string[] {
  return match(one)
    .with({ op: 'ioctl' }, ({ fd, argument }) => [
      fd,
      ...('memory' in argument ? (argument.relocations ?? []).map(({ ref }) => ref) : []),
    ])
    .with({ op: 'open' }, ({ group }) => (group === undefined ? [] : [group]))
    .with({ op: 'mmap' }, ({ fd }) => (fd === undefined ? [] : [fd]))
    .with({ op: P.union('close', 'dup', 'seek', 'close_on_exec', 'read_event') }, ({ fd }) => [fd])
    .with({ op: P.union('pread', 'pwrite') }, ({ fd, memory }) => [fd, memory])
    .with({ op: P.union('protect', 'unmap', 'discard', 'poke', 'peek', 'truncate', 'lock') }, ({ memory }) => [memory])
    .with({ op: 'dma' }, ({ device, pasid }) => [device, ...(typeof pasid === 'object' ? [pasid.ref] : [])])
    .with({ op: P.union('fork', 'exit', 'rlimit', 'drop_capability', 'set_parameter', 'inject', 'barrier') }, () => [])
    .with({ op: P.union('bind_driver', 'unbind_driver', 'plug') }, () => [])
    .exhaustive();
}

/** Whether the contract says what each op of a program does. */
export function decides(contract: Contract, environment: Environment, { topology, ops }: Program): boolean {
  const rehearsal = new Rehearsal(contract, environment, topology.slots);
  const decided = ops.every((op) => rehearsal.perform(op) !== 'left out');
  rehearsal.world.release();
  return decided;
}
