import { expect, test } from 'vitest';
import { compileContract } from '../reference/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { loadContract, parameterSetting } from '../spec/contract/load.ts';
import { mergeNeeds } from './suite.ts';
import { suites } from './suites.ts';
import { checkedProgram } from './token.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));

test('every generated program fits the schema of programs, and has a name of its own', () => {
  const names = new Set<string>();
  for (const suite of suites) {
    for (const need of mergeNeeds(suite.needs())) {
      for (const program of suite.programs(contract, modelEnvironment(need))) {
        checkedProgram(program, program.id);
        expect(names.has(program.id), `${program.id} is there twice`).toBe(false);
        names.add(program.id);
      }
    }
  }
});
