import type { Contract } from '../../reference/contract.ts';
import type { Environment, Program } from '../../spec/uapi/vocabulary.ts';
import { mergeNeeds, type Suite, sameMachine } from '../suite.ts';
import { closingOrders, closingSlots } from './closing-orders.ts';
import { explore, type Graph } from './graph.ts';
import { stages } from './stages.ts';
import { toursOf } from './tour.ts';

/** What is made from a contract, once. */
interface Made {
  graphs: Graph[];
  programs: Program[];
}

const made = new WeakMap<Contract, Map<string, Made>>();

/** Every transition of the states of containers, groups, backends and devices, and every order in which they are closed. */
export const lifecycle: Suite = {
  name: 'lifecycle',
  about: 'Every transition of containers, groups, backends, devices and mappings, and every order of closing them.',
  needs: () =>
    mergeNeeds(
      [...stages.map(({ slots }) => slots), ...closingSlots].map((slots) => ({
        machine: {},
        slots: Object.values(slots),
      })),
    ),
  programs: (contract, environment) =>
    sameMachine(environment.machine, {}) ? make(contract, environment).programs : [],
};

/** The graphs of all stages on a machine; none on one that the suite does not run on. */
export function graphsOf(contract: Contract, environment: Environment): readonly Graph[] {
  return sameMachine(environment.machine, {}) ? make(contract, environment).graphs : [];
}

/** Which groups a machine has, and what it is called, makes no difference to the model. */
function make(contract: Contract, environment: Environment): Made {
  const known = made.get(contract) ?? new Map<string, Made>();
  made.set(contract, known);
  const key = JSON.stringify({ ...environment, id: '', slots: {} });
  let one = known.get(key);
  if (!one) {
    const graphs = stages.map((stage) => explore(contract, environment, stage));
    const programs = [...graphs.flatMap((graph) => [...toursOf(graph)]), ...closingOrders(contract, environment)];
    one = { graphs, programs };
    known.set(key, one);
  }
  return one;
}
