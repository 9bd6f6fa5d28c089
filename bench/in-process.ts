import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { Assessment } from '../conformance/assess/assessment.ts';
import { run } from '../conformance/run.ts';
import { suites } from '../conformance/suites.ts';
import { compileContract } from '../reference/contract.ts';
import { judge } from '../reference/judge.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Environment, Trace } from '../spec/uapi/vocabulary.ts';
import { turn } from './calibration.ts';
import { cpuSeconds, type Row } from './rows.ts';

const RUNS = 5;

/** Profiles without the requests of 2020 and with them; what judging an op of all suites costs, in turns of the loop, and 5 % more. */
const profiles = [
  { profile: 'type1-6.12', mostTurns: 0 },
  { profile: 'v1-singleton', mostTurns: 0 },
];

/** The simulator with generation, judging and coverage, and the judge alone, which a loop of plain work is the measure of. */
export async function inProcess(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of profiles) rows.push(...(await ofProfile(one)));
  return rows;
}

async function ofProfile({ profile, mostTurns }: (typeof profiles)[number]): Promise<Row[]> {
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
        onSession() {},
        onMissing() {},
        onCase(one, judged, environment) {
          assessment.add(one, judged, environment);
          traces.push([environment, one.trace]);
          ops += one.trace.outcomes.length;
        },
      },
    );
    assessment.finish({ seconds: 0, complete: true });
  });
  let alone = Number.POSITIVE_INFINITY;
  let measure = Number.POSITIVE_INFINITY;
  // In turns, so that whatever slows the machine down meets both.
  for (let i = 0; i < RUNS; i++) {
    measure = Math.min(measure, await turn(RUNS));
    alone = Math.min(
      alone,
      await cpuSeconds(1, () => {
        for (const [environment, trace] of traces) judge(contract, environment, trace);
      }),
    );
  }
  return [
    {
      what: `${profile}: sim, generation, judging and coverage included`,
      value: ops / all,
      unit: 'ops/s',
      bar: 200_000,
      better: 'more',
    },
    {
      what: `${profile}: judge alone, an op of recorded traces`,
      value: alone / ops / measure,
      unit: 'turns',
      bar: mostTurns,
      better: 'less',
      note: `${Math.round(ops / alone).toLocaleString('en')} ops/s`,
    },
  ];
}
