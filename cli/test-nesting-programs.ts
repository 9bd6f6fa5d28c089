import fc from 'fast-check';
import * as nesting from '../conformance/programs/nesting-ops.ts';
import { Rehearsal } from '../conformance/programs/rehearsal.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import type { Environment, Op, Program } from '../spec/uapi/vocabulary.ts';
import { type Choice, type Step, steps } from './test-nesting-steps.ts';
import { machines, setUp, starts, topologies } from './test-nesting-world.ts';

/** What a program is made of: which topology and start, and for each step its kind and its random choices. */
export interface Plan {
  machine: number;
  topology: number;
  start: number;
  steps: { step: Step; dice: number[] }[];
}

export const plan: fc.Arbitrary<Plan> = fc.record({
  machine: fc.nat(machines.length - 1),
  topology: fc.nat(topologies.length - 1),
  start: fc.nat(starts.length - 1),
  steps: fc.array(
    fc.record({ step: fc.constantFrom(...steps), dice: fc.array(fc.nat(5039), { minLength: 12, maxLength: 12 }) }),
    { minLength: 5, maxLength: 40, size: 'max' },
  ),
});

/** The program of a plan: steps choose from what there is by then; what names nothing, or is not decided by the contract, is left out. */
export function programOf(
  { machine, topology, start, steps: chosen }: Plan,
  contract: Contract,
  environment: Environment,
): Program {
  const slots = topologies[topology]!;
  const rehearsal = new Rehearsal(contract, environment, slots);
  const perform = (op: Op) => {
    if (rehearsal.possible(op)) rehearsal.perform(op);
  };
  for (const op of [...setUp, ...starts[start]!(slots, nesting.layoutOf(contract.parameters))]) perform(op);
  for (const { step, dice } of chosen) {
    let at = 0;
    const next = () => dice[at++ % dice.length]!;
    const actor = next() % 4 === 3 && rehearsal.world.processes.has('child') ? 'child' : 'main';
    const choice: Choice = {
      world: rehearsal.world,
      actor,
      pick: (...values) => values[next() % values.length]!,
      rarely: (of) => next() % of === of - 1,
    };
    for (const op of step(choice, contract)) perform(actor === 'main' ? op : { ...op, actor });
  }
  rehearsal.world.release();
  return {
    id: 'random',
    topology: { machine: machines[machine]!, slots },
    changes: [{ module: 'vfio_iommu_type1', parameter: 'pasid_quota' }],
    ops: rehearsal.ops,
  };
}
