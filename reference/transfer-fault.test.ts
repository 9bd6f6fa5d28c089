import { expect, test } from 'vitest';
import {
  busMaster,
  dmaIn,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../conformance/programs/build.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Outcome, Program, TransferFault } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { describeExpectation, describeOutcome } from './interpreter/outcome.ts';
import { judge } from './judge.ts';
import { modelEnvironment, runOnModel } from './model-target.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const slots = { g: { devices: 1, viable: true } };
const environment = modelEnvironment({ machine: {}, slots: Object.values(slots) });
const MAPPED = 0x10000;

/** A program whose last op is a transfer, and what the model gives back. */
function transfer(iova: number): { program: Program; outcomes: Outcome[] } {
  const program: Program = {
    id: 'transfer',
    topology: { slots },
    ops: [
      memory('arg', 1),
      memory('ram', 1),
      openContainer('c'),
      openGroup('g', 'g'),
      setContainer('g', 'c'),
      setIommu('c', 'VFIO_TYPE1_IOMMU'),
      map('c', MAPPED, 'ram', 0, 1),
      openDevice('g', 'g', 'd'),
      ...busMaster('d'),
      dmaIn('d', iova, 16),
    ],
  };
  return { program, outcomes: runOnModel(contract, environment, program).outcomes };
}

/** The same with another fault told, or none. */
function judged(iova: number, fault: TransferFault | undefined) {
  const { program, outcomes } = transfer(iova);
  const last = fault === undefined ? { value: 0 } : { value: 0, fault };
  return judge(contract, environment, { program, outcomes: [...outcomes.slice(0, -1), last] });
}

test('the model tells why something was not transferred', () => {
  expect(transfer(MAPPED).outcomes.at(-1)).toEqual({ value: 0 });
  expect(transfer(0).outcomes.at(-1)).toEqual({ value: 0, fault: 'not_mapped' });
  expect(transfer(MAPPED + 0xff8).outcomes.at(-1)).toEqual({ value: 0, fault: 'not_mapped' });
});

test.each<[number, TransferFault | undefined, string]>([
  [0, 'not_mapped', 'conforms'],
  [0, undefined, 'conforms'],
  [0, 'not_readable', 'violates'],
  [MAPPED, undefined, 'conforms'],
  [MAPPED, 'not_mapped', 'violates'],
])('a transfer at %i of which a target tells %s: %s', (iova, fault, kind) => {
  expect(judged(iova, fault).kind).toBe(kind);
});

test('a failure says both reasons', () => {
  const { program, outcomes } = transfer(0);
  const judgement = judged(0, 'not_readable');
  if (judgement.kind !== 'violates') throw new Error('not reached');
  const { expectation, actual, rule } = judgement.violation;
  expect(rule.id).toBe('dma_read_of_unmapped_gives_zeros');
  expect(describeExpectation(expectation, program.ops.at(-1)!)).toBe('returns 0; not_mapped');
  expect(describeOutcome(actual!)).toBe('returns 0; not_readable');
  expect(describeOutcome(outcomes.at(-1)!)).toBe('returns 0; not_mapped');
});
