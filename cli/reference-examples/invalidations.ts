import { memory } from '../../conformance/programs/build.ts';
import { cache, granularity, layoutOf } from '../../conformance/programs/nesting-ops.ts';
import { alone, nesting, PASID, requestsIn, VIRTUAL } from '../../conformance/suites/scenarios/nesting-stage.ts';
import { single } from '../../conformance/suites/suite.ts';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment, runOnModel } from '../../reference/model-target.ts';
import type { InvalidationExample } from '../../reports/reference/sections/invalidations.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import { describeProgram } from '../describe-program.ts';

const caches = Object.entries({
  IOMMU_CACHE_INV_TYPE_IOTLB: cache.iotlb,
  IOMMU_CACHE_INV_TYPE_DEV_IOTLB: cache.device,
  IOMMU_CACHE_INV_TYPE_PASID: cache.pasid,
});
const granularities = Object.entries({
  IOMMU_INV_GRANU_DOMAIN: granularity.domain,
  IOMMU_INV_GRANU_PASID: granularity.pasid,
  IOMMU_INV_GRANU_ADDR: granularity.address,
});

/** What CACHE_INVALIDATE does, cache by cache and granularity by granularity: as posted on each driver, and repaired. */
export function invalidationsOf(data: ContractData): InvalidationExample[] {
  const drivers = Object.keys(data.parameters.get('driver')?.values ?? {});
  const settings = [
    ...(data.profiles.has('v1')
      ? drivers.map((driver) => ({ setting: driver, parameters: parameterSetting(data, 'v1', { driver }) }))
      : []),
    ...(data.profiles.has('v1-fixed') ? [{ setting: 'v1-fixed', parameters: parameterSetting(data, 'v1-fixed') }] : []),
  ];
  return settings.flatMap(({ setting, parameters }) =>
    caches.flatMap(([one, ofCache]) =>
      granularities.map(([how, ofGranularity]) => ({
        cache: one,
        granularity: how,
        setting,
        ...invalidated(data, parameters, { cache: ofCache, granularity: ofGranularity }),
      })),
    ),
  );
}

function invalidated(
  data: ContractData,
  parameters: Record<string, string>,
  what: { cache: number; granularity: number },
): Pick<InvalidationExample, 'outcome' | 'rule' | 'flushes'> {
  const { bind, flush } = requestsIn(layoutOf(parameters));
  const address = what.granularity === granularity.address ? { addr: VIRTUAL } : {};
  const program: Program = {
    id: 'example/invalidation',
    topology: { machine: nesting, slots: { g: single } },
    ops: [memory('arg', 1), ...alone, bind(), flush({ pasid: PASID, ...what, ...address })],
  };
  const contract = compileContract(data, parameters);
  const environment = modelEnvironment({ machine: nesting, slots: [single] });
  const { outcomes, detail } = runOnModel(contract, environment, program);
  if (outcomes.length < program.ops.length) throw new Error(`${program.id}: ${detail}`);
  const { outcome, rule, effects } = describeProgram(contract, environment, program, outcomes).at(-1)!;
  const flushes = effects.find((id) => data.rules.get(id)!.invalidates);
  return { outcome, rule, ...(flushes !== undefined && { flushes }) };
}
