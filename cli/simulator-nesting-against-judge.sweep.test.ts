import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { decide } from '../conformance/assess/verdict.ts';
import { assignSlots, mergeNeeds } from '../conformance/suites/suite.ts';
import { type Contract, compileContract } from '../reference/interpreter/contract.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { plan, programOf } from './test-nesting-programs.ts';
import { machines, topologies } from './test-nesting-world.ts';

const data = loadContract();
/** Programs for each setting. */
const numRuns = { part: 60, whole: 300 }[inject('sweep')];
const needs = mergeNeeds(
  machines.flatMap((machine) => topologies.map((slots) => ({ machine, slots: Object.values(slots) }))),
);

const posted = ['none', 'v10', 'v11', 'v5.8', 'v5.8-aux', 'v5.9', 'v5.10', 'complete'];
/** Single changes of the recommended contract. */
const policies: Record<string, string>[] = [
  { singleton_scope: 'group' },
  { singleton_scope: 'none' },
  { second_member_use: 'allowed' },
  { second_member_at_attach: 'always' },
  { second_member_at_attach: 'never' },
  { pasid_exposure: 'never' },
  { pasid_exposure: 'always' },
  { pasid_exposure: 'singleton_group' },
  { pri_exposure: 'never' },
  { free_of_bound: 'survives' },
  { unmap_flushes_nested: 'no' },
  { mediated_devices: 'mediated_device' },
];
const settings: [profile: string, changed: Record<string, string>][] = [
  ...posted.map((driver): [string, Record<string, string>] => ['v1', { driver }]),
  ['v1', { size_table: '2020-01-28' }],
  ['v1', { driver: 'v11', singleton_scope: 'group' }],
  ['v1-fixed', {}],
  ['v1-fixed', { driver: 'v11' }],
  ['v1-singleton', {}],
  ...policies.map((changed): [string, Record<string, string>] => ['v1-singleton', changed]),
];

/** The rules that took part, by contract. */
const reachedBy: [Contract, ReadonlySet<string>][] = [];

test.each(settings)('whatever is requested, the simulator does what %s with %j says', async (profile, changed) => {
  const contract = compileContract(data, parameterSetting(data, profile, changed));
  const sessions = await Promise.all(needs.map((need) => simulatorAdapter(contract.parameters).start(need)));
  const reached = new Set<string>();
  fc.assert(
    fc.property(plan, (plan) => {
      const session = sessions[plan.machine]!;
      const { environment } = session.description;
      const program = programOf(plan, contract, environment);
      const result = session.run(program, assignSlots(program.topology.slots, environment)!);
      if (result instanceof Promise) throw new Error('the simulator answers at once');
      const trace = { environment: environment.id, program, ...result };
      const { verdict, reason, failure, judgement } = decide(contract, environment, trace, true);
      // What a failed allocation leads to may be undefined.
      if (verdict === 'undefined') return;
      expect({ verdict, reason, failure }).toEqual({ verdict: 'pass' });
      if (judgement.kind !== 'conforms') return;
      for (const rule of [...judgement.decided, ...judgement.passed]) reached.add(rule);
    }),
    { numRuns, seed: 20201122 },
  );
  reachedBy.push([contract, reached]);
});

// The programs are worth running: they reach what the requests are for, in success and failure.
test.each([
  'pasid_alloc_returns_zero',
  'pasid_free_of_unallocated',
  'bind_returns_zero',
  'bind_data_flag_unknown',
  'bind_of_another_owner',
  'driver_bind_version_or_format',
  'driver_call_fails',
  'cache_invalidate_returns_zero',
  'dma_with_pasid_not_bound',
  'dma_with_pasid_reads_page',
  'dma_with_pasid_writes_page',
  'cached_translation_may_be_used',
  'guest_entry_not_present',
  'walk_sets_dirty_bit',
])('they reach %s', (rule) => {
  const having = reachedBy.filter(([{ rules }]) => rules.has(rule) || !data.rules.has(rule));
  const missing = having.filter(([, reached]) => !reached.has(rule)).map(([{ parameters }]) => parameters);
  if (inject('sweep') === 'whole') expect(missing).toEqual([]);
  // A part need not reach it in every setting.
  expect(missing.length).toBeLessThan(having.length);
});
