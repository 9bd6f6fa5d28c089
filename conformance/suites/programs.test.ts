import { describe, expect, test } from 'vitest';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import { checkedProgram } from '../running/token.ts';
import { mergeNeeds, programsOf } from './suite.ts';
import { suites } from './suites.ts';

const data = loadContract();

function programsFor(profile: string): Program[] {
  const contract = compileContract(data, parameterSetting(data, profile));
  return suites.flatMap((suite) =>
    mergeNeeds(suite.needs()).flatMap((need) => [...programsOf(suite, contract, modelEnvironment(need))]),
  );
}

const ordinary = programsFor('type1-6.12');
const profiles = { 'type1-6.12': ordinary, v1: programsFor('v1'), 'v1-singleton': programsFor('v1-singleton') };

describe.each(Object.entries(profiles))('of the programs for %s', (_, programs) => {
  test('every one fits the schema of programs', () => {
    for (const program of programs) checkedProgram(program, program.id);
  });

  test('every one has a name of its own', () => {
    const names = new Set<string>();
    expect(programs.map(({ id }) => id).filter((id) => names.size === names.add(id).size)).toEqual([]);
  });

  test('those of the suite boundary are not too many', () => {
    expect(programs.filter(({ id }) => id.startsWith('boundary/')).length).toBeLessThan(22_000);
  });
});

test.each(['type1-6.12', 'v1-singleton'] as const)('how many there are for %s in each situation', (profile) => {
  const counts: Record<string, number> = {};
  for (const { id } of profiles[profile]) {
    const kind = id.split('/').slice(0, -1).join('/');
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  expect(counts).toMatchSnapshot();
});

test.each([
  'boundary/VFIO_GROUP_SET_CONTAINER/g0_c0/path_only',
  'boundary/VFIO_IOMMU_MAP_DMA/c2_v2_mapped/iova_mapping_0_last',
  'boundary/VFIO_IOMMU_MAP_DMA/c2_v2/readable_31',
  'boundary/VFIO_IOMMU_UNMAP_DMA/c2_v1_mapped/writable_23_over_all',
  'boundary/unknown/c2_v2/base_plus_24',
  'scenarios/dma_into_an_unmapped_page',
])('the program %s', (id) => {
  expect(ordinary.find((program) => program.id === id)).toMatchSnapshot();
});

test.each([
  'boundary/VFIO_IOMMU_BIND/n_bound/hpasid_spare',
  'boundary/VFIO_IOMMU_CACHE_INVALIDATE/n_bound/readable_55_of_addresses',
  'isolation/two_containers/free_bind_there',
  'faults/bind_one_device/driver_1',
])('the program %s', (id) => {
  expect(profiles['v1-singleton'].find((program) => program.id === id)).toMatchSnapshot();
});

test('no more transfers than a real device can make in a minute', () => {
  const transfers = ordinary.flatMap(({ ops }) => ops.filter(({ op }) => op === 'dma'));
  expect(transfers.length).toBeGreaterThan(50);
  expect(transfers.length).toBeLessThan(600);
});
