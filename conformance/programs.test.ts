import { expect, test } from 'vitest';
import { compileContract } from '../reference/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { loadContract, parameterSetting } from '../spec/contract/load.ts';
import type { Program } from '../spec/uapi/vocabulary.ts';
import { mergeNeeds } from './suite.ts';
import { suites } from './suites.ts';
import { checkedProgram } from './token.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const programs: Program[] = suites.flatMap((suite) =>
  mergeNeeds(suite.needs()).flatMap((need) => [...suite.programs(contract, modelEnvironment(need))]),
);

test('every generated program fits the schema of programs', () => {
  for (const program of programs) checkedProgram(program, program.id);
});

test('every generated program has a name of its own', () => {
  const names = programs.map(({ id }) => id);
  expect(names.filter((id, i) => names.indexOf(id) !== i && names.lastIndexOf(id) === i)).toEqual([]);
});

test('how many programs there are for each ioctl in each situation', () => {
  const counts: Record<string, number> = {};
  for (const { id } of programs) {
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
  expect(programs.find((program) => program.id === id)).toMatchSnapshot();
});

test('no more transfers than a real device can make in a minute', () => {
  const transfers = programs.flatMap(({ ops }) => ops.filter(({ op }) => op === 'dma'));
  expect(transfers.length).toBeGreaterThan(50);
  expect(transfers.length).toBeLessThan(600);
});
