import { expect, test } from 'vitest';
import { compileContract } from '../../../reference/interpreter/contract.ts';
import type { Defect } from '../../../reference/interpreter/defect.ts';
import { modelEnvironment, runOnModel } from '../../../reference/model-target.ts';
import { loadContract } from '../../../spec/contract/load.ts';
import { parameterSetting } from '../../../spec/contract/setting.ts';
import { decide } from '../../assess/verdict.ts';
import { nestingMachine } from '../../programs/nesting-setup.ts';
import { programsOf as allOf } from '../suite.ts';
import { faults } from './suite.ts';

const data = loadContract();
const environment = modelEnvironment({ machine: nestingMachine, slots: [] });

const programsOf = (profile: string) => {
  const contract = compileContract(data, parameterSetting(data, profile));
  return { contract, programs: [...allOf(faults, contract, environment)] };
};

test('calls are refused up to the first that is not made, and in pairs', () => {
  const { programs } = programsOf('v1-fixed');
  const of = (operation: string) =>
    programs.flatMap(({ id }) =>
      id.startsWith(`faults/${operation}/driver_`) ? [id.split('_').slice(3).join('_')] : [],
    );
  expect(of('bind_one_device').map((id) => id.replace('driver_', ''))).toEqual(['1', '2', '1_2', '1_3']);
  expect(of('bind_two_iommus')).toHaveLength(3 + 2 * 3);
});

test('as many copies fail as an operation makes, and one more', () => {
  const { programs } = programsOf('v1');
  const of = (operation: string) => programs.filter(({ id }) => id.startsWith(`faults/${operation}/copy_`));
  // The header, the version and the data of BIND; the header, the rest and the result of ALLOC.
  expect(of('bind_one_device')).toHaveLength(4);
  expect(of('alloc_one_device')).toHaveLength(4);
});

test.each<[string, Defect]>([
  ['v1', { rule: 'bind_reports_oldest_domain', kind: 'removed' }],
  ['v1', { rule: 'bind_failure_unbinds_everywhere', kind: 'removed' }],
  ['v1-fixed', { rule: 'bind_is_all_or_nothing', kind: 'removed' }],
])('an implementation of %s that lacks %o is noticed', (profile, defect) => {
  const { contract, programs } = programsOf(profile);
  expect(contract.rules).toContain(defect.rule);
  const wrong = compileContract(data, contract.parameters, defect);
  const noticed = programs.some((program) => {
    const trace = { environment: environment.id, program, ...runOnModel(wrong, environment, program) };
    return decide(contract, environment, trace, true).verdict === 'fail';
  });
  expect(noticed).toBe(true);
});
