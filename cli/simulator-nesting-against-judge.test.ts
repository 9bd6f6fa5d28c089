import fc from 'fast-check';
import { expect, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { assignSlots, mergeNeeds } from '../conformance/suite.ts';
import { decide } from '../conformance/verdict.ts';
import { compileContract } from '../reference/contract.ts';
import { loadContract, parameterSetting } from '../spec/contract/load.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { plan, programOf } from './test-nesting-programs.ts';
import { machines, topologies } from './test-nesting-world.ts';

const SEED = Number(process.env.SEED ?? 20201122);
const RUNS = Number(process.env.RUNS ?? 250);
const data = loadContract();

const drivers = ['none', 'v10', 'v11', 'v5.8', 'v5.8-aux', 'v5.9', 'v5.10', 'complete'];
const settings: [string, string, Record<string, string>][] = [
  ...drivers.map((driver): [string, string, Record<string, string>] => ['v1', `driver=${driver}`, { driver }]),
  ['v1', 'size_lookup=january', { size_lookup: 'january' }],
  ['v1', 'driver=v11,unit=group', { driver: 'v11', unit: 'group' }],
  ['v1-fixed', '', {}],
  ['v1-singleton', '', {}],
  ['v1-singleton', 'unit=group', { unit: 'group' }],
  ['v1-singleton', 'unit=none', { unit: 'none' }],
  ['v1-singleton', 'second_unit_use=allowed', { second_unit_use: 'allowed' }],
  ['v1-singleton', 'second_unit_at_attach=never', { second_unit_at_attach: 'never' }],
  ['v1-singleton', 'second_unit_at_attach=always', { second_unit_at_attach: 'always' }],
  ['v1-singleton', 'pasid_exposure=never', { pasid_exposure: 'never', pri_exposure: 'never' }],
  ['v1-singleton', 'pasid_exposure=always', { pasid_exposure: 'always' }],
  ['v1-singleton', 'pasid_exposure=singleton_group', { pasid_exposure: 'singleton_group' }],
  ['v1-singleton', 'free_of_bound=survives', { free_of_bound: 'survives' }],
  ['v1-singleton', 'unmap_flushes_nested=no', { unmap_flushes_nested: 'no' }],
  ['v1-singleton', 'mediated_devices=not_substituted', { mediated_devices: 'not_substituted' }],
  ['v1-fixed', 'driver=v10', { driver: 'v10' }],
  ['v1-fixed', 'driver=v5.8-aux', { driver: 'v5.8-aux' }],
];

test.each(settings)('whatever is requested, the simulator does what %s with %s says', async (profile, _, changed) => {
  const contract = compileContract(data, parameterSetting(data, profile, changed));
  const needs = mergeNeeds(
    machines.flatMap((machine) => topologies.map((slots) => ({ machine, slots: Object.values(slots) }))),
  );
  const sessions = await Promise.all(needs.map((need) => simulatorAdapter(contract.parameters).start(need)));
  const reached = new Set<string>();
  const verdicts: Record<string, number> = {};
  fc.assert(
    fc.property(plan, (plan) => {
      const session = sessions[plan.machine]!;
      const { environment } = session.description;
      const program = programOf(plan, contract, environment);
      const result = session.run(program, assignSlots(program.topology.slots, environment)!);
      if (result instanceof Promise) throw new Error('the simulator answers at once');
      const trace = { environment: environment.id, program, ...result };
      let decided: ReturnType<typeof decide>;
      try {
        decided = decide(contract, environment, trace, true);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        verdicts.open = (verdicts.open ?? 0) + 1;
        return;
      }
      const { verdict, reason, failure, judgement } = decided;
      const key = `${verdict} ${reason?.slice(0, 60) ?? ''}`;
      verdicts[key] = (verdicts[key] ?? 0) + 1;
      expect({
        verdict: verdict === 'fail' ? verdict : 'fine',
        reason: verdict === 'fail' ? reason : '',
        failure,
      }).toEqual({ verdict: 'fine', reason: '' });
      if (judgement.kind === 'conforms')
        for (const rule of [...judgement.decided, ...judgement.passed]) reached.add(rule);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  if (process.env.SHOW) {
    const relevant = [...contract.rules].filter((rule) =>
      /pasid|bind|invalidate|driver_|nested|guest_|tagged|wrapper|request_|second|walk|remember/.test(rule),
    );
    console.log(profile, _, verdicts, 'missed', relevant.filter((rule) => !reached.has(rule)).join(' '));
  }
});
