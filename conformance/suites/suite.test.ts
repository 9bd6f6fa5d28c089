import { expect, test } from 'vitest';
import { modelEnvironment } from '../../reference/model-target.ts';
import type { Topology } from '../../spec/uapi/vocabulary.ts';
import { assignSlots, multi, notViable, sameMachine, single } from './suite.ts';

const environment = modelEnvironment({ machine: {}, slots: [multi, single, { ...single, iommu: 1 }, single] });

test('each slot gets the first free one that is equal to it, in order', () => {
  expect(assignSlots({ a: single, b: { ...single, kind: 'pci', dma: true }, c: multi }, environment)).toEqual({
    a: 's1',
    b: 's3',
    c: 's0',
  });
});

test.each<Topology['slots']>([
  { c: notViable },
  { a: single, b: single, c: single },
  { a: { ...single, iommu: 2 } },
  { a: { ...single, devices: 3 } },
])('a slot that none is equal to, or no more, leaves the program without slots', (slots) => {
  expect(assignSlots(slots, environment)).toBeUndefined();
});

test('machines are the same if they are in every property, those that are not named being as by default', () => {
  expect(sameMachine({}, { addressBits: 39, type1Module: true })).toBe(true);
  expect(sameMachine({}, { addressBits: 48 })).toBe(false);
});
