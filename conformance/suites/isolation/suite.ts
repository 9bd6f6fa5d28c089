import type { Contract } from '../../../reference/interpreter/contract.ts';
import type { Environment, Op } from '../../../spec/uapi/vocabulary.ts';
import { memory } from '../../programs/build.ts';
import { layoutOf } from '../../programs/nesting-ops.ts';
import { nestingMachine } from '../../programs/nesting-setup.ts';
import { Rehearsal } from '../../programs/rehearsal.ts';
import { mergeNeeds, type Suite, sameMachine, topologyOf, type Unit } from '../suite.ts';
import { probeIsolation } from './isolation-guest.ts';
import { type IsolationTopology, topologies } from './topologies.ts';

/** PASIDs that steps are given. */
const pasids = ['p', 'q'];

/** What devices reach with each PASID and without one, after every two steps that change what they may reach. */
export const isolation: Suite = {
  name: 'isolation',
  about: 'What each device must and must not reach with each PASID, after every two steps that change it.',
  needs: () =>
    mergeNeeds(
      topologies('version_first').map(({ slots }) => ({ machine: nestingMachine, slots: Object.values(slots) })),
    ),
  *units(contract, environment) {
    if (contract.parameters.bind === 'absent' || !sameMachine(nestingMachine, environment.machine)) return;
    for (const topology of topologies(layoutOf(contract.parameters))) yield* unitsOf(contract, environment, topology);
  },
};

/** A program up to some point, and how many probes it has made by then. */
interface Begun {
  rehearsal: Rehearsal;
  probes: number;
}

/** A unit for every two steps. What programs have in common is performed once, and only if one of them is asked for. */
function* unitsOf(contract: Contract, environment: Environment, topology: IsolationTopology): Iterable<Unit> {
  const { id, about, slots, changes, devices, steps } = topology;
  const start = once(() => begin(contract, environment, topology));
  for (const [first, firstOps] of Object.entries(steps)) {
    const afterFirst = once(() => take(start(), topology, firstOps));
    for (const [second, secondOps] of Object.entries(steps)) {
      const unit = `isolation/${id}/${first}_${second}`;
      yield {
        id: unit,
        ops: [...firstOps, ...secondOps, ...devices.flatMap(({ name }) => probeIsolation(name, 'p', 0))],
        *programs() {
          const rehearsal = take(afterFirst(), topology, secondOps)?.rehearsal;
          if (!rehearsal) return;
          rehearsal.world.release();
          yield {
            id: unit,
            about,
            topology: topologyOf({ machine: nestingMachine, slots }),
            ...(changes && { changes }),
            ops: rehearsal.ops,
          };
        },
      };
    }
  }
}

/** Gives each time what is made the first time. */
function once<Made>(make: () => Made): () => Made {
  let made: { made: Made } | undefined;
  return () => {
    made ??= { made: make() };
    return made.made;
  };
}

/** The set-up and probes; undefined if the contract does not let the topology come about. */
function begin(contract: Contract, environment: Environment, topology: IsolationTopology): Begun | undefined {
  const rehearsal = new Rehearsal(contract, environment, topology.slots);
  const setUp = [memory('arg', 1), ...topology.ops];
  const comesAbout = setUp.every((op) => rehearsal.possible(op) && rehearsal.perform(op) === 'done');
  return comesAbout ? look(rehearsal, topology, 0) : undefined;
}

/** A step more, and probes; undefined if it cannot be taken. */
function take(begun: Begun | undefined, topology: IsolationTopology, step: readonly Op[]): Begun | undefined {
  if (!begun) return undefined;
  const rehearsal = begun.rehearsal.fork();
  if (step.every((op) => rehearsal.possible(op) && rehearsal.perform(op) !== 'left out'))
    return look(rehearsal, topology, begun.probes);
  rehearsal.world.release();
  return undefined;
}

/** Lets every device try with every PASID and without one; `before` so many probes were made. */
function look(rehearsal: Rehearsal, { devices }: IsolationTopology, before: number): Begun {
  let probes = before;
  for (const { name, actor } of devices) {
    for (const pasid of [...pasids, undefined]) {
      const ops = probeIsolation(name, pasid, probes, actor);
      if (!ops.every((op) => rehearsal.possible(op))) continue;
      for (const op of ops) rehearsal.perform(op);
      probes++;
    }
  }
  return { rehearsal, probes };
}
