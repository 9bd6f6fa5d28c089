import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { Assessment } from '../conformance/assess/assessment.ts';
import { run } from '../conformance/running/run.ts';
import { suites } from '../conformance/suites/suites.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { judge } from '../reference/judge.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Environment, Trace } from '../spec/uapi/vocabulary.ts';
import { cpuSeconds, type Row } from './rows.ts';

const RUNS = 5;

/** The simulator with generation, judging and coverage, and the judge alone: without the ioctls of the 2020 nesting series, and with them. */
export async function inProcess(): Promise<Row[]> {
  return [...(await ofProfile('type1-6.12')), ...(await ofProfile('v1-singleton'))];
}

async function ofProfile(profile: string): Promise<Row[]> {
  const data = loadContract();
  const contract = compileContract(data, parameterSetting(data, profile));
  let traces: [Environment, Trace][] = [];
  let ops = 0;
  const all = await cpuSeconds(RUNS, async () => {
    traces = [];
    ops = 0;
    const selection = { suites, only: [] };
    const assessment = new Assessment({ contract, profile, target: 'sim', strict: true, selection, answers: 'all' });
    await run(
      {
        contract,
        adapter: simulatorAdapter(contract.parameters),
        ...selection,
        judge: (trace, environment) => assessment.judge(trace, environment),
      },
      {
        onCase(one, judged, environment) {
          assessment.add(one, judged, environment);
          traces.push([environment, one.trace]);
          ops += one.trace.outcomes.length;
        },
      },
    );
    assessment.finish({ seconds: 0, complete: true });
  });
  const alone = await cpuSeconds(RUNS, () => {
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
