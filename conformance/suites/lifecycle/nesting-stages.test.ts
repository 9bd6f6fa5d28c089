import { describe, expect, test } from 'vitest';
import { compileContract } from '../../../reference/interpreter/contract.ts';
import type { Defect } from '../../../reference/interpreter/defect.ts';
import { modelEnvironment, runOnModel } from '../../../reference/model-target.ts';
import { loadContract } from '../../../spec/contract/load.ts';
import { parameterSetting } from '../../../spec/contract/setting.ts';
import type { Program } from '../../../spec/uapi/vocabulary.ts';
import { decide } from '../../assess/verdict.ts';
import { nestingMachine } from '../../programs/nesting-setup.ts';
import { programsOf } from '../suite.ts';
import { graphOf, lifecycle, stagesOn } from './suite.ts';

const data = loadContract();
const environment = modelEnvironment({ machine: nestingMachine, slots: [] });

const wrong: Record<string, Defect[]> = {
  v1: [
    { rule: 'driver_bind_of_unallocated', kind: 'outcome' },
    { rule: 'driver_unbind_of_unbound', kind: 'outcome' },
    { rule: 'device_detach_frees_pasid_table', kind: 'removed' },
    { rule: 'last_backend_frees_pasids', kind: 'removed' },
  ],
  'v1-singleton': [
    { rule: 'set_container_while_bound', kind: 'removed' },
    { rule: 'set_container_while_pasid_exposed', kind: 'removed' },
    { rule: 'bind_of_bound', kind: 'outcome' },
    { rule: 'bind_of_another_owner', kind: 'removed' },
    { rule: 'pasid_free_of_another_owner', kind: 'removed' },
    { rule: 'last_backend_unbinds_pasids', kind: 'removed' },
    { rule: 'nesting_ioctl_with_second_device', kind: 'removed' },
  ],
};

describe.each(Object.entries(wrong))('the lifecycle of guest tables for %s', (profile, defects) => {
  const setting = parameterSetting(data, profile);
  const contract = compileContract(data, setting);
  const programs = [...programsOf(lifecycle, contract, environment)];

  /** Whether an implementation with a defect fails a program. */
  function fails(program: Program, implementation: ReturnType<typeof compileContract>): boolean {
    const trace = { environment: environment.id, program, ...runOnModel(implementation, environment, program) };
    return decide(contract, environment, trace, true).verdict === 'fail';
  }

  test('is small enough to be seen whole', () => {
    const transitions = stagesOn(contract, environment).flatMap((stage) =>
      graphOf(contract, environment, stage).states.flatMap((one) => one.transitions),
    );
    expect(transitions.length).toBeGreaterThan(1_000);
    expect(transitions.length).toBeLessThan(10_000);
    expect(programs.filter(({ ops }) => ops.length > 110).map(({ id }) => id)).toEqual([]);
  });

  test.each(defects)('notices an implementation in which $rule is wrong ($kind)', (defect) => {
    expect(contract.rules).toContain(defect.rule);
    const implementation = compileContract(data, setting, defect);
    expect(programs.some((program) => fails(program, implementation))).toBe(true);
  });
});
