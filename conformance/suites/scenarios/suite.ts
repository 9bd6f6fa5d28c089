import { layoutOf } from '../../programs/nesting-ops.ts';
import { mergeNeeds, type Suite, sameMachine, single } from '../suite.ts';
import { descriptorScenarios } from './descriptors.ts';
import { deviceConfigScenarios } from './device-config.ts';
import { deviceInterruptScenarios } from './device-interrupts.ts';
import { deviceResetScenarios } from './device-reset.ts';
import { dirtyTrackingScenarios } from './dirty-tracking.ts';
import { dmaScenarios } from './dma.ts';
import { factScenarios } from './facts.ts';
import { informationScenarios } from './information.ts';
import { lifetimeScenarios } from './lifetime.ts';
import { lockedMemoryScenarios } from './locked-memory.ts';
import { mappingScenarios } from './mapping.ts';
import { nestingScenarios } from './nesting.ts';
import { type Scenario, toProgram } from './scenario.ts';
import { twoIommuScenarios } from './two-iommus.ts';
import { vaddrUpdateScenarios } from './vaddr-update.ts';

const scenarios: Scenario[] = [
  ...dmaScenarios,
  ...twoIommuScenarios,
  ...mappingScenarios,
  ...lockedMemoryScenarios,
  ...vaddrUpdateScenarios,
  ...lifetimeScenarios,
  ...informationScenarios,
  ...descriptorScenarios,
  ...dirtyTrackingScenarios,
  ...deviceConfigScenarios,
  ...deviceInterruptScenarios,
  ...deviceResetScenarios,
  ...factScenarios,
];

/** Stories of several ops, each about one fact: transfers, processes, limits, lifetimes. */
export const scenarioSuite: Suite = {
  name: 'scenarios',
  about: 'Stories about one fact each: transfers of a real device, processes, limits, lifetimes.',
  needs: () =>
    mergeNeeds(
      [...scenarios, ...nestingScenarios('version_first')].map(({ machine = {}, slots = { g: single } }) => ({
        machine,
        slots: Object.values(slots),
      })),
    ),
  *units({ parameters }, { machine }) {
    for (const one of [...scenarios, ...nestingScenarios(layoutOf(parameters))]) {
      if (!sameMachine(one.machine ?? {}, machine) || !(one.when?.(parameters) ?? true)) continue;
      const program = toProgram(one);
      yield { id: program.id, ops: program.ops, programs: () => [program] };
    }
  },
};
