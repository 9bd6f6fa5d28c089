import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { Coverage } from '../conformance/coverage.ts';
import { run } from '../conformance/run.ts';
import { suites } from '../conformance/suites.ts';
import { compileContract } from '../reference/contract.ts';
import { judge } from '../reference/judge.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Environment, Trace } from '../spec/uapi/vocabulary.ts';
import { type Row, seconds } from './rows.ts';

const RUNS = 5;

/** The simulator with generation, judging and coverage, and the judge alone: without the requests of 2020, and with them. */
export async function inProcess(): Promise<Row[]> {
  return [...(await ofProfile('type1-6.12')), ...(await ofProfile('v1-singleton'))];
}

async function ofProfile(profile: string): Promise<Row[]> {
  const data = loadContract();
  const contract = compileContract(data, parameterSetting(data, profile));
  let traces: [Environment, Trace][] = [];
  let ops = 0;
  const all = await seconds(RUNS, async () => {
    traces = [];
    ops = 0;
    const coverage = new Coverage(contract);
    await run(
      { contract, adapter: simulatorAdapter(contract.parameters), suites, strict: true },
      {
        onSession() {},
        onMissing() {},
        onCase(_, trace, { judgement }, environment) {
          coverage.note(judgement, environment, trace);
          traces.push([environment, trace]);
          ops += trace.outcomes.length;
        },
      },
    );
    coverage.unreached();
  });
  const alone = await seconds(RUNS, () => {
    for (const [environment, trace] of traces) judge(contract, environment, trace);
  });
  return [
    {
      what: `${profile}: sim, generation, judging and coverage included`,
      value: ops / all,
      unit: 'ops/s',
      bar: 200_000,
      better: 'more',
    },
    {
      what: `${profile}: judge alone, on recorded traces`,
      value: ops / alone,
      unit: 'ops/s',
      bar: 600_000,
      better: 'more',
    },
  ];
}
