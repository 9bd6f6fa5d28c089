import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  map,
  memory,
  openContainer,
  openGroup,
  setContainer,
  setIommu,
  unmap,
  unmapAllByFlag,
} from '../conformance/programs/build.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { Op, Outcome, Program } from '../spec/uapi/vocabulary.ts';
import type { MapCall } from './call/families.ts';
import { backendOf } from './call/operands.ts';
import { compileContract } from './interpreter/contract.ts';
import { judge, MOST_STATES, stateBefore } from './judge.ts';
import { modelEnvironment, runOnModel } from './model-target.ts';
import { effects } from './rules/rules.ts';
import { describeState } from './state/state.ts';

/** Ways that each mapping can go, and choices that one of them takes; for tests to set. */
const open = { ways: [2] };

/**
 * Nothing in the contract is left open yet. Here a new mapping is longer than asked by a number of pages that nobody
 * sees: by as many as the choices made for it add up to. UNMAP tells.
 */
const creates = effects.map_dma_creates_mapping;
vi.spyOn(effects, 'map_dma_creates_mapping').mockImplementation((call: MapCall) => {
  creates(call);
  const mapping = backendOf(call).mappings.at(call.map.iova)!;
  for (const ways of open.ways) mapping.size += BigInt(call.chooser.choose(ways)) * 0x1000n;
});
afterAll(() => vi.restoreAllMocks());

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const slot = { devices: 1, viable: true };
const environment = modelEnvironment({ machine: {}, slots: [slot] });
const ready: Op[] = [
  memory('arg', 1),
  memory('ram', 1),
  openContainer('c'),
  openGroup('g', 'g'),
  setContainer('g', 'c'),
  setIommu('c', 'VFIO_TYPE1_IOMMU'),
];
const before = runOnModel(contract, environment, {
  id: 'ready',
  topology: { slots: { g: slot } },
  ops: ready,
}).outcomes;

/** Mapping number n, of one page, away from the others. */
const mapAt = (n: number): Op => map('c', 0x10_0000 * (n + 1), 'ram', 0, 1);
const unmapAt = (n: number): Op => unmap('c', 0x10_0000 * (n + 1), 1);
const maps = (count: number): Op[] => Array.from({ length: count }, (_, n) => mapAt(n));

/** An UNMAP that reports so many pages, of one that asked for `asked`. */
function gone(pages: number, asked: number): Outcome {
  if (pages === asked) return { value: 0 };
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(pages * 0x10);
  const before = Buffer.alloc(2);
  before.writeUInt16LE(asked * 0x10);
  const one = bytes[1] === before[1] ? bytes.subarray(0, 1) : bytes;
  return { value: 0, changed: [{ memory: 'arg', at: 17, bytes: one.toString('hex') }] };
}

function judged(ops: Op[], outcomes: Outcome[], ways = [2]) {
  open.ways = ways;
  const program: Program = { id: 'choices', topology: { slots: { g: slot } }, ops: [...ready, ...ops] };
  const trace = { program, outcomes: [...before, ...outcomes] };
  return { trace, judgement: judge(contract, environment, trace) };
}
const kind = (ops: Op[], outcomes: Outcome[], ways?: number[]) => judged(ops, outcomes, ways).judgement.kind;
const done: Outcome = { value: 0 };

describe('what nobody sees', () => {
  test('may have gone either way', () => {
    const ops = [mapAt(0), unmapAllByFlag('c')];
    expect(kind(ops, [done, gone(1, 0)])).toBe('conforms');
    expect(kind(ops, [done, gone(2, 0)])).toBe('conforms');
  });

  test('cannot have gone a third way', () => {
    const { judgement } = judged([mapAt(0), unmapAllByFlag('c')], [done, gone(3, 0)]);
    expect(judgement).toMatchObject({
      kind: 'violates',
      ops: ready.length + 1,
      violation: { op: ready.length + 1, rule: { id: 'unmap_dma_writes_argument' } },
    });
  });

  test('stays as a later outcome shows that it was', () => {
    const ops = [...maps(2), unmapAt(0), unmapAt(1)];
    expect(kind(ops, [done, done, gone(1, 1), gone(2, 1)])).toBe('conforms');
    expect(kind(ops, [done, done, gone(2, 1), gone(1, 1)])).toBe('conforms');
    expect(kind(ops, [done, done, gone(2, 1), gone(2, 1)])).toBe('conforms');
    expect(kind(ops, [done, done, gone(2, 1), gone(3, 1)])).toBe('violates');
  });

  test('is narrowed down by what is seen of several at once', () => {
    const ops = [...maps(3), unmapAt(0), mapAt(0), unmapAt(1), unmapAllByFlag('c')];
    const left = (pages: number) => kind(ops, [done, done, done, gone(1, 1), done, gone(2, 1), gone(pages, 0)]);
    // What is left is mapping 2 and the new mapping 0: two to four pages.
    for (const pages of [2, 3, 4]) expect(left(pages), String(pages)).toBe('conforms');
    for (const pages of [0, 1, 5]) expect(left(pages), String(pages)).toBe('violates');
  });

  test('must add up with what was seen of all together', () => {
    // An invalidation of all mappings tells how long they are together, and leaves them there.
    const invalidateAll = unmap('c', 0, 0, 6);
    const seen = (together: number, ...single: number[]) =>
      kind(
        [...maps(3), invalidateAll, unmapAt(0), unmapAt(1), unmapAt(2)],
        [done, done, done, gone(together, 0), ...single.map((pages) => gone(pages, 1))],
      );
    expect(seen(4, 1, 2, 1)).toBe('conforms');
    expect(seen(4, 2, 1, 1)).toBe('conforms');
    // Each could be so by itself.
    expect(seen(4, 1, 1, 1)).toBe('violates');
    expect(seen(4, 2, 2, 1)).toBe('violates');
    expect(seen(4, 1, 2, 2)).toBe('violates');
  });

  test('goes on forking where it was narrowed down', () => {
    const ops = [mapAt(0), unmapAllByFlag('c'), mapAt(0), unmapAllByFlag('c')];
    for (const first of [1, 2])
      for (const second of [1, 2]) expect(kind(ops, [done, gone(first, 0), done, gone(second, 0)])).toBe('conforms');
    expect(kind(ops, [done, gone(2, 0), done, gone(3, 0)])).toBe('violates');
  });

  test('may be several choices of one op, each with ways of its own', () => {
    const ops = [mapAt(0), unmapAllByFlag('c')];
    // 0 to 2 and 0 to 3 pages more.
    for (const pages of [1, 2, 3, 4, 5, 6])
      expect(kind(ops, [done, gone(pages, 0)], [3, 4]), String(pages)).toBe('conforms');
    expect(kind(ops, [done, gone(7, 0)], [3, 4])).toBe('violates');
  });

  test('is no choice where there is only one way', () => {
    expect(kind([mapAt(0), unmapAllByFlag('c')], [done, gone(1, 0)], [1])).toBe('conforms');
    expect(kind([mapAt(0), unmapAllByFlag('c')], [done, gone(2, 0)], [1])).toBe('violates');
  });

  test('is told with a violation, so that its state can be made again', () => {
    const ops = [mapAt(0), unmapAt(0), mapAt(1), unmapAllByFlag('c')];
    const { trace, judgement } = judged(ops, [done, gone(2, 1), done, gone(9, 0)]);
    if (judgement.kind !== 'violates') throw new Error(judgement.kind);
    const { op, choices } = judgement.violation;
    expect(choices[ready.length]).toEqual([1]);
    expect([[0], [1]]).toContainEqual(choices[ready.length + 2]);
    const state = describeState(stateBefore(contract, environment, trace, op, choices)).join('\n');
    expect(state).toContain(`[0x200000, +0x${choices[ready.length + 2]![0] === 1 ? 2 : 1}000) rw`);
    expect(describeState(stateBefore(contract, environment, trace, ready.length + 1, choices)).join('\n')).toContain(
      '[0x100000, +0x2000) rw',
    );
  });

  test('does not lose what a failed copy-out left before it', () => {
    // An UNMAP whose argument ends in a page that can only be read; the bytes before that are not specified.
    const at = 0x1000 - 20;
    const ops: Op[] = [
      memory('edge', 2),
      { op: 'poke', memory: 'edge', at, bytes: '180000000200000000000000000000000000000000000000' },
      { op: 'protect', memory: 'edge', at: 0x1000, length: 0x1000, protection: 'read' },
      { op: 'ioctl', fd: 'c', number: 0x3b72, argument: { memory: 'edge', at } },
      mapAt(0),
      { op: 'peek', memory: 'edge', at, length: 4 },
      unmapAllByFlag('c'),
    ];
    const failed: Outcome = { errno: 'EFAULT', changed: [{ memory: 'edge', at: at + 1, bytes: 'aabb' }] };
    for (const pages of [1, 2]) {
      const seen = (bytes: string) => kind(ops, [done, done, done, failed, done, { value: 0, bytes }, gone(pages, 0)]);
      expect(seen('18aabb00')).toBe('conforms');
      expect(seen('18000000')).toBe('violates');
    }
  });

  test('counts as passed only in states that are left', () => {
    const { judgement } = judged([mapAt(0), unmapAllByFlag('c')], [done, gone(2, 0)]);
    if (judgement.kind !== 'conforms') throw new Error(judgement.kind);
    expect(judgement.passed.has('map_dma_creates_mapping')).toBe(true);
    expect(judgement.decided.has('unmap_dma_returns_zero')).toBe(true);
  });
});

describe('states that a trace leaves open', () => {
  const most = Math.log2(MOST_STATES);

  test(`may be ${MOST_STATES}`, () => {
    expect(
      kind(
        maps(most),
        maps(most).map(() => done),
      ),
    ).toBe('conforms');
  });

  test(`are a Problem above ${MOST_STATES}, not cut off`, () => {
    const count = most + 1;
    const run = () =>
      judged(
        maps(count),
        maps(count).map(() => done),
      );
    expect(run).toThrow(Problem);
    expect(run).toThrow(
      `program choices: op ${ready.length + most} leaves more than 1024 states open; make the program shorter.`,
    );
  });

  test('become few again once they are seen', () => {
    const ops: Op[] = [];
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 3 * most; i++) {
      ops.push(mapAt(i), unmapAt(i));
      outcomes.push(done, gone(1 + (i % 2), 1));
    }
    expect(kind(ops, outcomes)).toBe('conforms');
  });
});

test('the model takes the last way', () => {
  open.ways = [3];
  const program: Program = {
    id: 'model',
    topology: { slots: { g: slot } },
    ops: [...ready, mapAt(0), unmapAllByFlag('c')],
  };
  expect(runOnModel(contract, environment, program).outcomes.slice(-1)).toEqual([gone(3, 0)]);
});
