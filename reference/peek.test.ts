import { expect, test } from 'vitest';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { modelEnvironment, runOnModel } from './model-target.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const environment = modelEnvironment({ machine: {}, slots: [] });
const address: Op = {
  op: 'poke',
  memory: 'ram',
  at: 0,
  bytes: 'aaaaaaaaaaaaaaaabbbb',
  relocations: [{ at: 0, width: 8, ref: 'ram', add: '0x1122334455667788' }],
};

/** What a peek of the first twelve bytes shows after some ops. */
function peek(...ops: Op[]): string | undefined {
  const all: Op[] = [{ op: 'mmap', as: 'ram', length: 4096 }, ...ops, { op: 'peek', memory: 'ram', at: 0, length: 12 }];
  return runOnModel(contract, environment, { id: 'peek', topology: { slots: {} }, ops: all }).outcomes.at(-1)?.bytes;
}

test('a stored relocation shows as zeros, what stands beside it does not', () => {
  expect(peek(address)).toBe('0000000000000000bbbbffff');
});

test('of a relocation only the bytes that still stand are hidden', () => {
  expect(peek(address, { op: 'poke', memory: 'ram', at: 2, bytes: '01' })).toBe('0000010000000000bbbbffff');
});

test('a relocation that was stored over is hidden no more', () => {
  expect(peek(address, { op: 'poke', memory: 'ram', at: 0, bytes: '0102030405060708' })).toBe(
    '0102030405060708bbbbffff',
  );
});

test('a forked child sees what its parent had stored in the same way', () => {
  const ops: Op[] = [
    { op: 'mmap', as: 'ram', length: 4096 },
    address,
    { op: 'fork', as: 'child' },
    { op: 'peek', actor: 'child', memory: 'ram', at: 0, length: 12 },
  ];
  const { outcomes } = runOnModel(contract, environment, { id: 'fork', topology: { slots: {} }, ops });
  expect(outcomes.at(-1)?.bytes).toBe('0000000000000000bbbbffff');
});
