import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { assignSlots } from '../conformance/suites/suite.ts';
import { type Contract, compileContract } from '../reference/interpreter/contract.ts';
import { modelEnvironment, runOnModel } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ProgramResult } from '../spec/uapi/adapter.ts';
import type { Name, Program, Slot } from '../spec/uapi/vocabulary.ts';
import { growths, type Load } from './growth-programs.ts';
import { cpuSeconds, type Row } from './rows.ts';

const RUNS = 5;
/** A cost at n against that at the base, both divided by n log n: what is measured varies by a third, n squared is tenfold. */
const BAR = 1.5;
/** What one of a round may cost of a round at the base: so little that it can hide nothing. */
const FIXED = 0.1;

/** Runs a load with its work, or, to see what that costs, without. */
type Runner = (load: Load, withWork: boolean) => Promise<void>;

/**
 * How the costs of requests and transfers grow with devices and mappings, on the simulator and on the contract itself: held
 * against a size at which what one alone costs no longer counts, which is shown too.
 */
export async function growth(): Promise<Row[]> {
  const data = loadContract();
  const contract = compileContract(data, parameterSetting(data, 'v1-fixed'));
  const runners: [string, Runner][] = [
    ['sim', onSimulator(contract)],
    ['model', onModel(contract)],
  ];
  const rows: Row[] = [];
  for (const { what, base, larger, load } of growths) {
    for (const [target, run] of runners) {
      const atBase = await cost(load(base), run);
      rows.push({
        what: `${target}: ${what}, n = 1`,
        value: (await cost(load(1), run)) / atBase,
        unit: `x n = ${base}`,
        bar: FIXED,
        better: 'less',
      });
      for (const size of larger) {
        const value = (await cost(load(size), run)) / atBase / (nLogN(size) / nLogN(base));
        rows.push({
          what: `${target}: ${what}, n = ${size}`,
          value,
          unit: `x n log n of ${base}`,
          bar: BAR,
          better: 'less',
        });
      }
    }
  }
  return rows;
}

const nLogN = (n: number): number => n * Math.log2(n);

/** Seconds of one round of a load. */
async function cost(load: Load, run: Runner): Promise<number> {
  const took = await cpuSeconds(RUNS, () => run(load, true));
  return Math.max(took - (await cpuSeconds(RUNS, () => run(load, false))), 0) / load.rounds;
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
