import { describe, expect, test } from 'vitest';
import { compileContract } from '../reference/contract.ts';
import { judge } from '../reference/judge.ts';
import { modelAdapter } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { Coverage } from './coverage.ts';
import { run } from './run.ts';
import { suites } from './suites.ts';
import { decide } from './verdict.ts';

const data = loadContract();

describe.each([...data.profiles.keys()])('the contract as an implementation, profile %s', async (profile) => {
  const contract = compileContract(data, parameterSetting(data, profile));
  const coverage = new Coverage(contract);
  const odd: unknown[] = [];
  let programs = 0;
  await run(
    { contract, adapter: modelAdapter(contract, '0'), suites, strict: true },
    {
      onSession() {},
      onMissing() {},
      onCase(_, trace, { verdict, judgement, reason, failure }, environment) {
        if (verdict !== 'pass' && verdict !== 'absent') odd.push([trace.program.id, reason, failure?.rule]);
        coverage.note(judgement, environment, trace);
        programs++;
      },
    },
  );

  test('conforms to itself', () => {
    expect(programs).toBeGreaterThan(10_000);
    expect(odd).toEqual([]);
  });

  test('leaves unreached only rules whose outcome is undefined', () => {
    expect(coverage.unreached().filter(({ why }) => why !== 'undefined')).toEqual([]);
  });

  const judged = [...contract.rules].filter((id) => !('undefined' in (data.rules.get(id)?.outcome ?? {})));
  test.each(judged)('with %s changed or removed some trace fails, and the failure names it', (rule) => {
    const dependence = coverage.reached(rule);
    expect(dependence, 'no trace depends on it').toBeDefined();
    const { defect, environment, trace } = dependence!;
    expect(defect.rule).toBe(rule);
    expect(judge(contract, environment, trace).kind).toBe('conforms');
    const verdict = decide(compileContract(data, contract.parameters, defect), environment, trace, true);
    expect(verdict.verdict).toBe('fail');
    const { failure } = verdict;
    expect([failure!.rule, failure!.alternative, ...failure!.history.map((entry) => entry.rule)]).toContain(rule);
  });
});
