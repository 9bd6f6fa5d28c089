import { describe, expect, test } from 'vitest';
import { compileContract } from '../../../reference/interpreter/contract.ts';
import type { Defect } from '../../../reference/interpreter/defect.ts';
import { modelEnvironment, runOnModel } from '../../../reference/model-target.ts';
import { loadContract } from '../../../spec/contract/load.ts';
import { parameterSetting } from '../../../spec/contract/setting.ts';
import type { Program } from '../../../spec/uapi/vocabulary.ts';
import { decide } from '../../assess/verdict.ts';
import { programsOf } from '../suite.ts';
import { lifecycle } from './suite.ts';

const data = loadContract();
const setting = parameterSetting(data, 'type1-6.12');
const contract = compileContract(data, setting);
const environment = modelEnvironment(lifecycle.needs()[0]!);
const programs = [...programsOf(lifecycle, contract, environment)];

/** What the contract says of a program on the contract with or without a defect. */
function verdictOf(program: Program, defect?: Defect) {
  const implementation = defect ? compileContract(data, setting, defect) : contract;
  const trace = { environment: environment.id, program, ...runOnModel(implementation, environment, program) };
  return decide(contract, environment, trace, true).verdict;
}

test('every program conforms on the contract itself', () => {
  expect(programs.filter((program) => verdictOf(program) !== 'pass').map(({ id }) => id)).toEqual([]);
});

test('programs have names of their own, which stay as they are', () => {
  expect(new Set(programs.map(({ id }) => id)).size).toBe(programs.length);
  const again = programsOf(lifecycle, compileContract(data, setting), { ...environment, id: 'other', slots: {} });
  expect([...again]).toEqual(programs);
});

test('programs are few and not too long', () => {
  expect(programs.length).toBeLessThan(600);
  expect(programs.filter(({ ops }) => ops.length > 80).map(({ id }) => id)).toEqual([]);
  expect(programs.flatMap(({ ops }) => ops.filter(({ op }) => op === 'dma')).length).toBeLessThan(100);
});

test('no programs for a machine that the suite does not run on', () => {
  expect([...programsOf(lifecycle, contract, modelEnvironment({ machine: { addressBits: 48 }, slots: [] }))]).toEqual(
    [],
  );
});

describe('every order of closing', () => {
  const of = (holding: string) => programs.filter(({ id }) => id.startsWith(`lifecycle/closing/${holding}_`));

  test('is there once', () => {
    // Six descriptors, of which two each are alike.
    expect(of('duplicates')).toHaveLength(90);
    expect(of('type1')).toHaveLength(6);
    expect(of('child')).toHaveLength(24);
  });

  test('ends with the locked memory given back', () => {
    for (const program of of('type1')) {
      const { outcomes } = runOnModel(contract, environment, program);
      const mapped = program.ops.flatMap((op, i) => (op.op === 'ioctl' && op.fd === 'k' ? [outcomes[i]!] : []));
      expect(mapped.some(({ errno }) => errno === 'ENOMEM')).toBe(true);
      expect(mapped.at(-1)!.value).toBe(0);
    }
  });
});

test.each<Defect>([
  { rule: 'close_releases_unreferenced', kind: 'removed' },
  { rule: 'open_group_already_open', kind: 'removed' },
  { rule: 'open_group_node_gone', kind: 'outcome' },
  { rule: 'set_container_already_attached', kind: 'removed' },
  { rule: 'set_container_group_not_viable', kind: 'removed' },
  { rule: 'set_container_vaddr_invalidated', kind: 'removed' },
  { rule: 'set_container_attaches_group', kind: 'removed' },
  { rule: 'unset_container_device_open', kind: 'removed' },
  { rule: 'unset_container_detaches_group', kind: 'removed' },
  { rule: 'set_iommu_needs_group', kind: 'outcome' },
  { rule: 'set_iommu_backend_already_set', kind: 'removed' },
  { rule: 'set_iommu_creates_backend', kind: 'removed' },
  { rule: 'open_device_without_backend', kind: 'removed' },
  { rule: 'open_device_opens', kind: 'removed' },
  { rule: 'map_dma_overlaps', kind: 'outcome' },
  { rule: 'unmap_dma_removes_mappings', kind: 'removed' },
  { rule: 'dma_write_without_bus_mastering_is_dropped', kind: 'removed' },
  { rule: 'unbind_driver_of_last_device_orphans_group', kind: 'removed' },
  { rule: 'bind_vfio_driver_makes_new_group', kind: 'removed' },
  { rule: 'bind_host_driver_to_attached_group', kind: 'removed' },
])('an implementation in which $rule is wrong ($kind) is noticed', (defect) => {
  expect(contract.rules).toContain(defect.rule);
  expect(programs.some((program) => verdictOf(program, defect) === 'fail')).toBe(true);
});
