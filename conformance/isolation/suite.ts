import type { Contract } from '../../reference/contract.ts';
import type { Environment, Op, Program } from '../../spec/uapi/vocabulary.ts';
import { memory } from '../build.ts';
import { layoutOf } from '../nesting-ops.ts';
import { nestingMachine } from '../nesting-setup.ts';
import { Rehearsal, worldAfter } from '../rehearsal.ts';
import { mergeNeeds, type Suite, sameMachine, topologyOf, type Unit } from '../suite.ts';
import { probe } from './guest.ts';
import { type Topology, topologies } from './topologies.ts';

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

/** A unit for every two steps. Whether there is the topology at all is worked out once, and only if one is asked. */
function* unitsOf(contract: Contract, environment: Environment, topology: Topology): Iterable<Unit> {
  let comesAbout: boolean | undefined;
  for (const [first, firstOps] of Object.entries(topology.steps)) {
    for (const [second, secondOps] of Object.entries(topology.steps)) {
      yield {
        id: `isolation/${topology.id}/${first}_${second}`,
        ops: [...firstOps, ...secondOps, ...topology.devices.flatMap(({ name }) => probe(name, 'p', 0))],
        *programs() {
          comesAbout ??= worldAfter(contract, environment, topology.slots, setUp(topology)) !== undefined;
          const program = comesAbout ? twoSteps(contract, environment, topology, first, second) : undefined;
          if (program) yield program;
        },
      };
    }
  }
}

const setUp = ({ ops }: Topology): Op[] => [memory('arg', 1), ...ops];

/** Two steps, with probes before, between and after them; undefined if one of them cannot be taken. */
function twoSteps(
  contract: Contract,
  environment: Environment,
  topology: Topology,
  first: string,
  second: string,
): Program | undefined {
  const { id, about, slots, changes, steps } = topology;
  const rehearsal = new Rehearsal(contract, environment, slots);
  for (const op of setUp(topology)) rehearsal.perform(op);
  let probes = look(rehearsal, topology, 0);
  for (const step of [first, second]) {
    for (const op of steps[step]!)
      if (!rehearsal.possible(op) || rehearsal.perform(op) === 'left out') return undefined;
    probes = look(rehearsal, topology, probes);
  }
  rehearsal.world.release();
  return {
    id: `isolation/${id}/${first}_${second}`,
    about,
    topology: topologyOf({ machine: nestingMachine, slots }),
    ...(changes && { changes }),
    ops: rehearsal.ops,
  };
}

/** Lets every device try with every PASID and without one; `before` so many probes were made. */
function look(rehearsal: Rehearsal, { devices }: Topology, before: number): number {
  let probes = before;
  for (const { name, actor } of devices) {
    for (const pasid of [...pasids, undefined]) {
      const ops = probe(name, pasid, probes, actor);
      if (!ops.every((op) => rehearsal.possible(op))) continue;
      for (const op of ops) rehearsal.perform(op);
      probes++;
    }
  }
  return probes;
}
