import { expect, test } from 'vitest';
import {
  busMaster,
  dmaOut,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../conformance/programs/build.ts';
import { entry, guestTables, tableMemory } from '../conformance/programs/guest-tables.ts';
import {
  allocPasid,
  bindTable,
  cache,
  type InvalidationFields,
  invalidate,
  taggedIn,
} from '../conformance/programs/nesting-ops.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op, Outcome, Program } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { type Judgement, judge } from './judge.ts';
import { modelEnvironment, runOnModel } from './model-target.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'v1-singleton'));
const slots = { g: { devices: 1, viable: true } };
const environment = modelEnvironment({ machine: { nesting: 'four_levels' }, slots: Object.values(slots) });

const TABLES = 0x10_0000;
const RAM = 0x20_0000;
const OUT = 0x30_0000;
const ADDRESS = 0x4000_0000;
const LENGTH = 8;
const pasid = { ref: 'pasid' };
const tables = guestTables({ memory: 'tables', base: TABLES, pages: [{ address: ADDRESS, to: RAM }] });

/** What the device read: pages are filled with their number. */
const before: Op[] = [
  memory('arg', 1),
  tableMemory('tables', 4),
  memory('ram', 2),
  memory('out', 1),
  ...[1, 2].map((n): Op => ({ op: 'poke', memory: 'ram', at: (n - 1) * 4096, bytes: `0${n}`.repeat(LENGTH) })),
  ...tables.ops,
  openContainer('c'),
  openGroup('g', 'g'),
  setContainer('g', 'c'),
  setIommu('c', 'VFIO_TYPE1_NESTING_IOMMU'),
  openDevice('g', 'g', 'd'),
  ...busMaster('d'),
  map('c', TABLES, 'tables', 0, 4),
  map('c', RAM, 'ram', 0, 2),
  map('c', OUT, 'out', 0, 1),
  allocPasid('c', 'pasid'),
  bindTable('c', { pasid, root: tables.root }),
  taggedIn('d', pasid, ADDRESS, LENGTH),
  // The guest moves the page.
  tables.change(ADDRESS, 1, BigInt(RAM + 0x1000) | entry.open | entry.accessed),
];

/** The program with something in between, which then reads the page and shows what it read. */
function moved(...between: Op[]): Program {
  const ops = [...before, ...between, taggedIn('d', pasid, ADDRESS, LENGTH), dmaOut('d', OUT, LENGTH)];
  return { id: 'moved', topology: { machine: { nesting: 'four_levels' }, slots }, ops };
}

/** Judges a target that shows the memory of one page. */
function shown(page: 1 | 2, ...between: Op[]): Judgement {
  const program = moved(...between);
  const { outcomes } = runOnModel(contract, environment, program);
  const last: Outcome = { value: 0, changed: [{ memory: 'out', at: 0, bytes: `0${page}`.repeat(LENGTH) }] };
  return judge(contract, environment, { program, outcomes: [...outcomes.slice(0, -1), last] });
}

test('the model remembers, and conforms', () => {
  const { end, outcomes } = runOnModel(contract, environment, moved());
  expect(end).toBe('completed');
  expect(outcomes.at(-1)).toEqual({ value: 0, changed: [{ memory: 'out', at: 0, bytes: '01'.repeat(LENGTH) }] });
  expect(judge(contract, environment, { program: moved(), outcomes }).kind).toBe('conforms');
});

test('without an invalidation the old page and the new one are right', () => {
  expect([shown(1).kind, shown(2).kind]).toEqual(['conforms', 'conforms']);
});

test('what was used once may be used again, and what is new stays', () => {
  expect(shown(1, taggedIn('d', pasid, ADDRESS, LENGTH)).kind).toBe('conforms');
  expect(shown(2, taggedIn('d', pasid, ADDRESS, LENGTH)).kind).toBe('conforms');
});

const both = cache.iotlb | cache.device;
test.each<[string, InvalidationFields, boolean]>([
  ['the PASID', { pasid }, false],
  ['the page', { pasid, addr: ADDRESS, cache: both }, false],
  ['the page, last entries', { pasid, addr: ADDRESS, leaf: true, cache: both }, false],
  ['another page', { pasid, addr: ADDRESS + 0x1000, cache: both }, true],
  ['the device alone', { pasid, cache: cache.device }, true],
])('after an invalidation of %s', (_, what, right) => {
  expect(shown(2, invalidate('c', what)).kind).toBe('conforms');
  const old = shown(1, invalidate('c', what));
  expect(old.kind).toBe(right ? 'conforms' : 'violates');
});
