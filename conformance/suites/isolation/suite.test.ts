import { expect, test } from 'vitest';
import { compileContract } from '../../../reference/interpreter/contract.ts';
import type { Defect } from '../../../reference/interpreter/defect.ts';
import { modelEnvironment, runOnModel } from '../../../reference/model-target.ts';
import { loadContract } from '../../../spec/contract/load.ts';
import { parameterSetting } from '../../../spec/contract/setting.ts';
import { decide } from '../../assess/verdict.ts';
import { programsOf } from '../suite.ts';
import { isolation } from './suite.ts';

const data = loadContract();
const environment = modelEnvironment(isolation.needs()[0]!);

/** A profile that lets every topology come about, and its programs. */
const setting = parameterSetting(data, 'v1-fixed');
const contract = compileContract(data, setting);
const programs = [...programsOf(isolation, contract, environment)];

test('every device that a table is bound for gets to write somewhere, and no other', () => {
  const [tried, reached] = [new Set<string>(), new Set<string>()];
  for (const program of programs) {
    const [, topology] = program.id.split('/');
    runOnModel(contract, environment, program).outcomes.forEach(({ changed }, i) => {
      const op = program.ops[i]!;
      if (op.op !== 'dma' || op.pasid === undefined) return;
      const name = `${topology} ${op.device}`;
      tried.add(name);
      if (op.direction === 'to-memory' && changed?.length) reached.add(name);
    });
  }
  // Nothing is bound for a group that joins later.
  expect([...tried].filter((one) => !reached.has(one))).toEqual(['later_group e']);
});

test.each<Defect>([
  { rule: 'driver_bind_sets_pasid_entry', kind: 'removed' },
  { rule: 'unbind_visits_every_device', kind: 'removed' },
  { rule: 'pasid_free_unbinds', kind: 'removed' },
  { rule: 'bind_of_another_owner', kind: 'removed' },
])('an implementation in which $rule is wrong ($kind) is noticed', (defect) => {
  expect(contract.rules).toContain(defect.rule);
  const wrong = compileContract(data, setting, defect);
  const noticed = programs.some((program) => {
    const trace = { environment: environment.id, program, ...runOnModel(wrong, environment, program) };
    return decide(contract, environment, trace, true).verdict === 'fail';
  });
  expect(noticed).toBe(true);
});

test('no programs where there is no BIND, or for a machine that does not nest', () => {
  const type1 = compileContract(data, parameterSetting(data, 'type1-6.12'));
  expect([...programsOf(isolation, type1, environment)]).toEqual([]);
  expect([...programsOf(isolation, contract, modelEnvironment({ machine: {}, slots: [] }))]).toEqual([]);
});
