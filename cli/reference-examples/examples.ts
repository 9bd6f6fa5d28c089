import { memory } from '../../conformance/programs/build.ts';
import { single } from '../../conformance/suites/suite.ts';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment, runOnModel } from '../../reference/model-target.ts';
import type { Example } from '../../reports/reference/sections/examples.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import { describeProgram } from '../describe-program.ts';
import { containerExamples } from './containers.ts';
import { deviceExamples } from './devices.ts';
import type { ExampleProgram } from './example-program.ts';
import { examplesOf2020 } from './nesting-series.ts';

const programs: ExampleProgram[] = [
  ...[...containerExamples, ...deviceExamples].map((one) => ({ profile: 'type1-6.12', ...one })),
  ...examplesOf2020,
];

/** The examples of the reference, run on the contract. Those of profiles that it does not have are left out. */
export function referenceExamples(data: ContractData): Example[] {
  return programs.filter(({ profile }) => data.profiles.has(profile)).map((one) => toExample(data, one));
}

function toExample(data: ContractData, example: ExampleProgram): Example {
  const { of, about, profile, settings = {}, machine, slots = { g: single }, setUp, ops } = example;
  const contract = compileContract(data, parameterSetting(data, profile, settings));
  const before = [memory('arg', 1), ...setUp];
  const topology = machine ? { machine, slots } : { slots };
  const program: Program = { id: `example/${of}`, topology, ops: [...before, ...ops] };
  const environment = modelEnvironment({ machine: machine ?? {}, slots: Object.values(slots) });
  const { outcomes, detail } = runOnModel(contract, environment, program);
  if (outcomes.length < program.ops.length) throw new Error(`example ${of}, "${about}": ${detail}`);
  return {
    of,
    about,
    profile,
    settings,
    setUp: before.length,
    ops: describeProgram(contract, environment, program, outcomes),
  };
}
