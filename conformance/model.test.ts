import { expect, test } from 'vitest';
import { compileContract } from '../reference/contract.ts';
import { modelAdapter } from '../reference/model-target.ts';
import { loadContract, parameterSetting } from '../spec/contract/load.ts';
import { Coverage } from './coverage.ts';
import { run } from './run.ts';
import { suites } from './suites.ts';

const data = loadContract();

test.each([...data.profiles.keys()])('the model conforms to itself in profile %s, and its traces depend on every rule', async (profile) => {
  const contract = compileContract(data, parameterSetting(data, profile));
  const coverage = new Coverage(contract);
  const verdicts: Record<string, number> = {};
  const odd: unknown[] = [];
  let ops = 0;
  const t=Date.now();
  await run(
    { contract, adapter: modelAdapter(contract, '0'), suites, strict: true },
    {
      onSession() {},
      onCase(_, trace, { verdict, judgement, reason, failure }, environment) {
        verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
        ops += trace.outcomes.length;
        if (verdict !== 'pass' && verdict !== 'absent' && odd.length < 5) odd.push([trace.program.id, reason, failure]);
        coverage.note(judgement, environment, trace);
      },
    },
  );
  console.log(verdicts, ops, Date.now()-t);
  console.log(JSON.stringify(odd,null,1));
  console.log(coverage.total, coverage.unreached());
  expect(odd).toEqual([]);
});
