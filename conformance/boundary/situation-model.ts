import { firstChoice } from '../../reference/call.ts';
import type { Contract } from '../../reference/contract.ts';
import { execute } from '../../reference/execute.ts';
import { type Container, type Mapping, World } from '../../reference/state.ts';
import type { Ioctl } from '../../spec/uapi/uapi.ts';
import type { Environment, Op } from '../../spec/uapi/vocabulary.ts';
import { argumentAt, layOut, memory, type Value } from '../build.ts';
import type { Situation } from '../situations.ts';
import type { Form } from './forms.ts';

/** What `before` ops of a request bring into memory does not matter to how much is written. */
const PAGES = 2;

/** What the model says of a situation. */
export class SituationModel {
  /** What is mapped. */
  readonly mappings: readonly Mapping[];
  readonly #contract: Contract;
  readonly #environment: Environment;
  readonly #situation: Situation;

  constructor(situation: Situation, contract: Contract, environment: Environment) {
    this.#contract = contract;
    this.#environment = environment;
    this.#situation = situation;
    const { names, descriptors } = this.#world().processes.get('main')!;
    this.mappings = (descriptors.get(names.get(situation.fd)!)!.object as Container).backend?.mappings ?? [];
  }

  /** Whether an ioctl gets as far as reading its argument: a pointer that leads nowhere decides. */
  reads({ number }: Ioctl): boolean {
    const op: Op = { op: 'ioctl', fd: this.#situation.fd, number, argument: { value: 0 } };
    const { outcome } = execute(this.#contract, this.#world(), op, 0, firstChoice);
    return 'errno' in outcome && outcome.errno === 'EFAULT';
  }

  /** How many bytes of its argument a request writes, from the first to the last. */
  extent({ number }: Ioctl, form: Form, values: Record<string, Value>, before: Op[]): number {
    const world = this.#world();
    const block = layOut(form.struct, { ...form.values, ...values }, form.extended);
    const argument = argumentAt('out', 0, block);
    const ops: Op[] = [...before, memory('out', PAGES), { op: 'ioctl', fd: this.#situation.fd, number, argument }];
    let written = 0;
    for (const [i, op] of ops.entries()) written = execute(this.#contract, world, op, i, firstChoice).extent;
    return written;
  }

  #world(): World {
    const world = new World(this.#environment, this.#situation.slots);
    const ops: Op[] = [memory('arg', 1), ...this.#situation.ops];
    for (const [i, op] of ops.entries()) execute(this.#contract, world, op, i, firstChoice);
    return world;
  }
}
