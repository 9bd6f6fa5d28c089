import { expect, test } from 'vitest';
import { everyStep, loopOf, ruleOf, rulesOf, stepsWithin, tablesOf, wordsOf } from './steps.ts';
import type { Step } from './types.ts';

const write: Step = { kind: 'write', rule: 'w', on_fault: 'undo', if: 'c' };
const devices: Step = {
  kind: 'each_device',
  table: 't',
  undo_table: 'v',
  stop: { word: 'group', rule: 's' },
  result: { word: 'last', rule: 'r' },
  undo: { word: 'all', rule: 'u' },
};
const loop: Step = { kind: 'each', over: 'pages', steps: [write] };
const block: Step = { kind: 'block', if: 'p', steps: [loop, devices] };

test('a step tells its rule, all rules that it names, and what it goes over', () => {
  expect([write, devices, loop, block].map(ruleOf)).toEqual(['w', undefined, undefined, undefined]);
  expect([write, devices, loop, block].map(rulesOf)).toEqual([['w', 'c', 'undo'], ['s', 'r', 'u'], [], ['p']]);
  expect([write, devices, loop, block].map(loopOf)).toEqual([undefined, 'devices', 'pages', undefined]);
});

test('words of a step over devices come with their rules, and its tables', () => {
  expect(wordsOf(devices)).toEqual([
    ['stop group', 's'],
    ['result last', 'r'],
    ['undo all', 'u'],
  ]);
  expect(tablesOf(devices)).toEqual(['t', 'v']);
  expect(tablesOf(block)).toEqual([]);
});

test('steps are walked each before those within it', () => {
  expect(stepsWithin(block)).toEqual([loop, devices]);
  expect([...everyStep([block, write])]).toEqual([block, loop, write, devices, write]);
});
