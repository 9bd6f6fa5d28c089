import type { Contract } from '../../../reference/interpreter/contract.ts';
import type { Environment } from '../../../spec/uapi/vocabulary.ts';
import { mergeNeeds, type Suite, sameMachine } from '../suite.ts';
import { closingOrders, closingSlots, holdings } from './closing-orders.ts';
import { exploreStage, type Graph } from './graph.ts';
import { nestingStages } from './nesting-stages.ts';
import { deciding, type Stage } from './stage.ts';
import { plainStages, stagesOf } from './stages.ts';
import { toursOf } from './tour.ts';

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
  *units(contract, environment) {
    for (const stage of stagesOn(contract, environment)) {
      yield {
        id: stageUnit(stage),
        ops: stage.steps.map(deciding),
        *programs() {
          yield* toursOf(graphOf(contract, environment, stage));
        },
      };
    }
    if (!sameMachine({}, environment.machine)) return;
    for (const holding of holdings) {
      yield {
        id: `lifecycle/closing/${holding.id}`,
        ops: [...holding.ops, ...Object.values(holding.ends).flat()],
        programs: () => closingOrders(contract, environment, holding),
      };
    }
  },
};

/** The id of the unit of a stage. */
export const stageUnit = ({ id }: Stage): string => `lifecycle/${id}`;

/** The stages on a machine. */
export function stagesOn(contract: Contract, environment: Environment): Stage[] {
  return stagesOf(contract).filter(({ machine = {} }) => sameMachine(machine, environment.machine));
}

const graphs = new WeakMap<Contract, Map<string, Graph>>();

/** The graph of a stage, found once: which groups a machine has, and what it is called, makes no difference to the model. */
export function graphOf(contract: Contract, environment: Environment, stage: Stage): Graph {
  const known = graphs.get(contract) ?? new Map<string, Graph>();
  graphs.set(contract, known);
  const key = JSON.stringify([stage.id, { ...environment, id: '', slots: {} }]);
  let graph = known.get(key);
  if (!graph) {
    graph = exploreStage(contract, environment, stage);
    known.set(key, graph);
  }
  return graph;
}
