import { check } from '../modelcheck/check.ts';
import { firstChoice } from '../reference/call/chooser.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { execute } from '../reference/interpreter/execute.ts';
import { stateBefore } from '../reference/judge.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import type { CheckedProfiles } from '../reports/reference/pages/counterexamples-page.ts';
import type { DescribedOp } from '../reports/reference/sections/described-op.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ContractData } from '../spec/contract/types.ts';
import type { Counterexample } from '../spec/uapi/vocabulary.ts';
import { describeProgram } from './describe-program.ts';

/** The series as posted, and the contracts that keep what they promise. */
const SERIES = 'v1';
const KEEPING = ['v1-singleton', 'v1-fixed'];

/** Checks the profiles that the pages describe; undefined for a contract that has not all of them. `progress` is called with what comes next. */
export function checkedProfiles(data: ContractData, progress: (what: string) => void): CheckedProfiles | undefined {
  if (![SERIES, ...KEEPING].every((profile) => data.profiles.has(profile))) return undefined;
  const checked = (profile: string) => {
    progress(profile);
    return check(data, { profile, set: {} });
  };
  const series = checked(SERIES);
  const counterexamples = series.invariants.flatMap((one) => one.counterexamples);
  return {
    series,
    described: new Map(counterexamples.map((one) => [one, { ops: describe(data, one) }])),
    keeping: KEEPING.map(checked),
  };
}

/** A counterexample op by op; of one that ends where nobody knows what comes of an op, that op is the last. */
function describe(data: ContractData, { program, outcomes, parameters }: Counterexample): DescribedOp[] {
  const contract = compileContract(data, parameterSetting(data, SERIES, parameters));
  const environment = modelEnvironment({ machine: program.topology.machine ?? {}, slots: [] });
  const ops = describeProgram(contract, environment, program, outcomes);
  const op = program.ops[outcomes.length];
  if (!op) return ops;
  const world = stateBefore(contract, environment, { program, outcomes }, outcomes.length, []);
  const { rule, effects } = execute(contract, world, op, outcomes.length, firstChoice);
  return [...ops, { op: describeOp(op, kindsOf(program.ops)), outcome: 'anything', rule: rule.id, effects }];
}
