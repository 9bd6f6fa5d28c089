import type { DataLayout } from '../../programs/nesting-ops.ts';
import { argumentScenarios } from './findings/arguments.ts';
import { nestingInformationScenarios } from './findings/information.ts';
import { invalidationScenarios } from './findings/invalidation.ts';
import { loopScenarios } from './findings/loop.ts';
import { pasidScenarios } from './findings/pasids.ts';
import { precedenceScenarios } from './findings/precedence.ts';
import { rollbackScenarios } from './findings/rollback.ts';
import { situationScenarios } from './findings/situations.ts';
import { unbindScenarios } from './findings/unbind.ts';
import { widthScenarios } from './findings/widths.ts';
import { walkFaultScenarios } from './guest-tables/faults.ts';
import { staleScenarios } from './guest-tables/invalidation.ts';
import { walkScenarios } from './guest-tables/walks.ts';
import { nesting, requestsIn } from './nesting-stage.ts';
import type { Scenario } from './scenario.ts';
import { exposureScenarios } from './singleton/exposure.ts';
import { unitScenarios } from './singleton/units.ts';

const made = new Map<DataLayout, readonly Scenario[]>();

/** Stories about the 2020 nesting series, for contracts that have them: made once, and asked for on every machine. */
export function nestingScenarios(layout: DataLayout): readonly Scenario[] {
  const known = made.get(layout) ?? makeScenarios(layout);
  made.set(layout, known);
  return known;
}

/** What devices show is one for all layouts. */
function makeScenarios(layout: DataLayout): Scenario[] {
  const requests = requestsIn(layout);
  const about = [
    loopScenarios,
    rollbackScenarios,
    argumentScenarios,
    precedenceScenarios,
    unbindScenarios,
    widthScenarios,
    invalidationScenarios,
    situationScenarios,
    walkScenarios,
    walkFaultScenarios,
    staleScenarios,
    unitScenarios,
  ].flatMap((make) => make(requests));
  return [
    ...[...about, ...pasidScenarios, ...nestingInformationScenarios].map(
      ({ when = () => true, ...one }): Scenario => ({
        machine: nesting,
        ...one,
        when: (parameters) => parameters.bind === 'present' && when(parameters),
      }),
    ),
    ...exposureScenarios.map((one): Scenario => ({ machine: nesting, ...one })),
  ];
}
