import { type Contract, selected } from '../../reference/contract.ts';
import { execute } from '../../reference/execute.ts';
import { type Container, type Mapping, World } from '../../reference/state.ts';
import { type Ioctl, uapi } from '../../spec/uapi/uapi.ts';
import type { Environment, Op } from '../../spec/uapi/vocabulary.ts';
import { memory } from '../build.ts';
import type { Situation } from '../situations.ts';

const firstChoice = { choose: () => 0 };

/** What the model says of a situation. */
export class SituationModel {
  /** What is mapped. */
  readonly mappings: readonly Mapping[];
  readonly #contract: Contract;
  readonly #world: World;
  readonly #situation: Situation;

  constructor(situation: Situation, contract: Contract, environment: Environment) {
    const world = new World(environment, situation.slots);
    const ops: Op[] = [memory('arg', 1), ...situation.ops];
    for (const [i, op] of ops.entries()) execute(contract, world, op, i, firstChoice);
    const { names, descriptors } = world.processes.get('main')!;
    this.mappings = (descriptors.get(names.get(situation.fd)!)!.object as Container).backend?.mappings ?? [];
    this.#contract = contract;
    this.#world = world;
    this.#situation = situation;
  }

  /** Whether an ioctl gets as far as reading its argument: a pointer that leads nowhere decides. */
  reads({ number }: Ioctl): boolean {
    const op: Op = { op: 'ioctl', fd: this.#situation.fd, number, argument: { value: 0 } };
    // A refused op changes nothing, so that the same state serves for all.
    const { outcome } = execute(this.#contract, this.#world, op, 0, firstChoice);
    return 'errno' in outcome && outcome.errno === 'EFAULT';
  }

  /** Lengths, in bytes, of what an ioctl writes back. */
  writes(ioctl: Ioctl): number[] {
    const handler = this.#contract.data.handlers.find(
      ({ ioctl: name }) => name !== undefined && uapi.ioctls[name] === ioctl,
    );
    const steps = handler?.steps.filter(({ when }) => selected(when, this.#contract.parameters)) ?? [];
    return steps.flatMap(({ write, length }) => (write ? [length!] : []));
  }
}
