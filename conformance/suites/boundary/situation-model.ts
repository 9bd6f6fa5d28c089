import { firstChoice } from '../../../reference/call/chooser.ts';
import type { Contract } from '../../../reference/interpreter/contract.ts';
import { execute } from '../../../reference/interpreter/execute.ts';
import { type Container, type Mapping, World } from '../../../reference/state/state.ts';
import { everyStep, ruleOf, tablesOf } from '../../../spec/contract/steps.ts';
import type { Step } from '../../../spec/contract/types.ts';
import type { Ioctl } from '../../../spec/uapi/uapi.ts';
import type { Environment, Name, Op } from '../../../spec/uapi/vocabulary.ts';
import { argumentAt, layOut, memory, type Value } from '../../programs/build.ts';
import type { Form } from './forms.ts';
import type { Situation } from './situation.ts';

/** What `before` ops of a request bring into memory does not matter to how much is written. */
const PAGES = 2;

/** What the model says of a situation. */
export class SituationModel {
  /** Whether the contract lets the situation come about. */
  readonly comesAbout: boolean;
  /** What is mapped. */
  readonly mappings: readonly Mapping[];
  /** Numbers that the set-up was given and saved. */
  readonly saved: readonly Name[];
  private readonly contract: Contract;
  private readonly environment: Environment;
  private readonly situation: Situation;

  constructor(situation: Situation, contract: Contract, environment: Environment) {
    this.contract = contract;
    this.environment = environment;
    this.situation = situation;
    const world = new World(environment, situation.slots);
    this.comesAbout = this.succeed(world, this.setUp);
    const { names, descriptors, saved } = world.processes.get('main')!;
    const object = descriptors.get(names.get(situation.fd) ?? -1)?.object;
    this.mappings = [...((object as Container | undefined)?.backend?.mappings ?? [])];
    this.saved = [...saved.keys()];
  }

  /** Whether an ioctl gets as far as reading its argument: a pointer to nowhere decides. */
  reads({ number }: Ioctl): boolean {
    const op: Op = { op: 'ioctl', fd: this.situation.fd, number, argument: { value: 0 } };
    const { outcome } = execute(this.contract, this.world(), op, 0, firstChoice);
    return outcome.kind === 'errno' && outcome.errno === 'EFAULT';
  }

  /** How many bytes of its argument a request writes, from the first to the last. */
  extent({ number }: Ioctl, form: Form, values: Record<string, Value>, before: Op[]): number {
    const world = this.world();
    const block = layOut(form.struct, { ...form.values, ...values }, form.extended);
    const argument = argumentAt('out', 0, block);
    const ops: Op[] = [...before, memory('out', PAGES), { op: 'ioctl', fd: this.situation.fd, number, argument }];
    let written = 0;
    for (const [i, op] of ops.entries()) written = execute(this.contract, world, op, i, firstChoice).extent;
    return written;
  }

  private get setUp(): Op[] {
    return [memory('arg', 1), ...this.situation.ops];
  }

  private world(): World {
    const world = new World(this.environment, this.situation.slots);
    this.succeed(world, this.setUp);
    return world;
  }

  /** Performs ops up to one that fails, and says whether there was none. */
  private succeed(world: World, ops: readonly Op[]): boolean {
    return ops.every((op, i) => {
      const { outcome } = execute(this.contract, world, op, i, firstChoice);
      return outcome.kind !== 'errno' && outcome.kind !== 'undefined';
    });
  }
}

/** Whether at the contract's setting anything that an ioctl can meet leads to where it does not say what happens. */
export function leavesOpen({ data, rules }: Contract, ioctl: string): boolean {
  const inSteps = (steps: readonly Step[]): boolean =>
    [...everyStep(steps)].some((step) => {
      const id = ruleOf(step);
      const open = id !== undefined && rules.has(id) && data.rules.get(id)?.outcome?.kind === 'undefined';
      const used = tablesOf(step);
      return open || data.handlers.some(({ table, steps }) => table && used.includes(table) && inSteps(steps));
    });
  return data.handlers.some((handler) => handler.ioctl === ioctl && inSteps(handler.steps));
}
