import type { Contract } from '../../reference/contract.ts';
import type { Environment, Machine, Program } from '../../spec/uapi/vocabulary.ts';
import { mergeNeeds, type Suite, sameMachine } from '../suite.ts';
import { closingOrders, closingSlots } from './closing-orders.ts';
import { explore, type Graph } from './graph.ts';
import { nestingStages } from './nesting-stages.ts';
import { plainStages, stagesOf } from './stages.ts';
import { toursOf } from './tour.ts';

/** What is made from a contract, once. */
interface Made {
  graphs: Graph[];
  programs: Program[];
}

const made = new WeakMap<Contract, Map<string, Made>>();

/** Every transition of the states of containers, groups, backends, devices and PASIDs, and every order in which they are closed. */
export const lifecycle: Suite = {
  name: 'lifecycle',
  about:
    'Every transition of containers, groups, backends, devices, mappings and PASIDs, and every order of closing them.',
  needs: () =>
    mergeNeeds([
      ...[...plainStages, ...nestingStages('version_first')].map(({ machine = {}, slots }) => ({
        machine,
        slots: Object.values(slots),
      })),
      ...closingSlots.map((slots) => ({ machine: {}, slots: Object.values(slots) })),
    ]),
  programs: (contract, environment) => make(contract, environment).programs,
};

/** The graphs of all stages on a machine. */
export function graphsOf(contract: Contract, environment: Environment): readonly Graph[] {
  return make(contract, environment).graphs;
}

/** Which groups a machine has, and what it is called, makes no difference to the model. */
function make(contract: Contract, environment: Environment): Made {
  const known = made.get(contract) ?? new Map<string, Made>();
  made.set(contract, known);
  const key = JSON.stringify({ ...environment, id: '', slots: {} });
  let one = known.get(key);
  if (!one) {
    const here = ({ machine = {} }: { machine?: Machine }) => sameMachine(machine, environment.machine);
    const graphs = stagesOf(contract)
      .filter(here)
      .map((stage) => explore(contract, environment, stage));
    const tours = graphs.flatMap((graph) => [...toursOf(graph)]);
    const programs = here({}) ? [...tours, ...closingOrders(contract, environment)] : tours;
    one = { graphs, programs };
    known.set(key, one);
  }
  return one;
}
