import { firstChoice } from '../../reference/call.ts';
import type { Contract } from '../../reference/contract.ts';
import { execute } from '../../reference/execute.ts';
import { type Process, World } from '../../reference/state.ts';
import type { Environment, Op, Topology } from '../../spec/uapi/vocabulary.ts';

/** A program in the making, performed on the model op by op. */
export class Rehearsal {
  readonly ops: Op[] = [];
  readonly #contract: Contract;
  readonly #world: World;

  constructor(contract: Contract, environment: Environment, slots: Topology['slots']) {
    this.#contract = contract;
    this.#world = new World(environment, slots);
  }

  /** Those that are alive. */
  get processes(): Process[] {
    return [...this.#world.processes.values()];
  }

  /** Adds an op to the program; one of which the contract does not say what happens is left out. */
  perform(op: Op): 'done' | 'refused' | 'left out' {
    const { outcome } = execute(this.#contract, this.#world, op, this.ops.length, firstChoice);
    if ('undefined' in outcome) return 'left out';
    this.ops.push(op);
    return 'errno' in outcome ? 'refused' : 'done';
  }

  /** See possible(). */
  possible(op: Op): boolean {
    return possible(this.#world, op);
  }
}

/**
 * Whether everything is there that an op names: what happens to names of nothing is not a matter of states. What an op makes
 * must have a name of its own, but a group's node may be opened under the same name, since it refuses to be open twice.
 */
export function possible(world: World, op: Op): boolean {
  const process = world.processes.get(op.actor ?? 'main');
  if (!process) return false;
  if (op.op === 'fork') return !world.processes.has(op.as);
  if ('as' in op && process.names.has(op.as!) && !(op.op === 'open' && op.what === 'group')) return false;
  return namesIn(op).every((name) => process.names.has(name) || process.memory.regions.has(name));
}

function namesIn(op: Op): string[] {
  switch (op.op) {
    case 'ioctl':
      return [op.fd, ...('memory' in op.argument ? (op.argument.relocations ?? []).map(({ ref }) => ref) : [])];
    case 'open':
      return op.group === undefined ? [] : [op.group];
    case 'close':
    case 'dup':
    case 'pwrite':
      return [op.fd];
    case 'dma':
      return [op.device];
    default:
      return [];
  }
}
