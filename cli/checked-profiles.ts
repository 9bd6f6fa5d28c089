import { check } from '../conformance/check/check.ts';
import { compileContract } from '../reference/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import type { CheckedProfiles } from '../reports/reference/counterexamples-page.ts';
import { parameterSetting } from '../spec/contract/load.ts';
import type { ContractData } from '../spec/contract/types.ts';
import type { Counterexample } from '../spec/uapi/vocabulary.ts';
import { tellProgram } from './tell-program.ts';

/** The series as posted, and the contracts that keep what they promise. */
const SERIES = 'v1';
const KEEPING = ['v1-singleton', 'v1-fixed'];

/** Checks the profiles that the pages tell of; undefined for a contract that has not all of them. `progress` is told what comes next. */
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
    told: new Map(counterexamples.map((one) => [one, { ops: tell(data, one) }])),
    keeping: KEEPING.map(checked),
  };
}

function tell(data: ContractData, { program, outcomes, parameters }: Counterexample): ReturnType<typeof tellProgram> {
  const contract = compileContract(data, parameterSetting(data, SERIES, parameters));
  const environment = modelEnvironment({ machine: program.topology.machine ?? {}, slots: [] });
  return tellProgram(contract, environment, program, outcomes);
}
