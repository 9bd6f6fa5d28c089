import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { assignSlots } from '../conformance/suite.ts';
import { type Contract, compileContract } from '../reference/contract.ts';
import { modelEnvironment, runOnModel } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ProgramResult } from '../spec/uapi/adapter.ts';
import type { Name, Program, Slot } from '../spec/uapi/vocabulary.ts';
import { growths, type Load } from './growth-programs.ts';
import { type Row, seconds } from './rows.ts';

const RUNS = 3;

/** Runs a load with its work, or, to see what that costs, without. */
type Runner = (load: Load, withWork: boolean) => Promise<void>;

/** How the costs of requests and transfers grow with devices and mappings, on the simulator and on the contract itself. */
export async function growth(): Promise<Row[]> {
  const data = loadContract();
  const contract = compileContract(data, parameterSetting(data, 'v1-fixed'));
  const runners: [string, Runner][] = [
    ['sim', onSimulator(contract)],
    ['model', onModel(contract)],
  ];
  const rows: Row[] = [];
  for (const { what, sizes, load } of growths) {
    for (const [target, run] of runners) {
      const costs: number[] = [];
      for (const size of sizes) costs.push((await cost(load(size), run)) / (size * Math.log2(size + 1)));
      const [least, ...others] = costs.map((each, i) => ({ size: sizes[i]!, value: each / costs[0]! }));
      for (const { size, value } of others)
        rows.push({
          what: `${target}: ${what}, n = ${size}`,
          value,
          unit: `x n log n of ${least!.size}`,
          bar: 1,
          better: 'less',
        });
    }
  }
  return rows;
}

/** Seconds of one round of a load. */
async function cost(load: Load, run: Runner): Promise<number> {
  const took = await seconds(RUNS, () => run(load, true));
  return Math.max(took - (await seconds(RUNS, () => run(load, false))), 0) / load.rounds;
}

function onSimulator(contract: Contract): Runner {
  return async (load, withWork) => {
    const session = await simulatorAdapter(contract.parameters).start(load.need);
    const program = programOf(load, withWork);
    const slots = assignSlots(program.topology.slots, session.description.environment)!;
    check(program, await session.run(program, slots));
    await session.stop();
  };
}

function onModel(contract: Contract): Runner {
  return async (load, withWork) => {
    const program = programOf(load, withWork);
    check(program, runOnModel(contract, modelEnvironment(load.need), program));
  };
}

function programOf({ need, setUp, work, rounds }: Load, withWork: boolean): Program {
  const slots: Record<Name, Slot> = Object.fromEntries(need.slots.map((slot, i) => [`g${i}`, slot]));
  const ops = withWork ? [...setUp, ...Array.from({ length: rounds }, () => work).flat()] : setUp;
  return { id: 'bench/growth', topology: { ...(need.machine && { machine: need.machine }), slots }, ops };
}

/** What fails costs nothing, and is no figure. */
function check({ ops }: Program, { outcomes, detail }: ProgramResult): void {
  const failed = outcomes.findIndex(({ errno }) => errno !== undefined);
  if (failed >= 0 || outcomes.length < ops.length)
    throw new Error(`op ${failed} of ${ops.length}: ${detail ?? JSON.stringify([ops[failed], outcomes[failed]])}`);
}
