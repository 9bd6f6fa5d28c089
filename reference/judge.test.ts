import { describe, expect, test } from 'vitest';
import {
  busMaster,
  dmaIn,
  dmaOut,
  ioctlValue,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  pattern,
  setContainer,
  unmap,
  unmapAllByFlag,
} from '../conformance/programs/build.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op, Outcome } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { data, environment, program, ready } from './interpreter/test-compiled.ts';
import { judge, stateBefore } from './judge.ts';
import { runOnModel } from './model-target.ts';
import { describeState } from './state/state.ts';

import { blamed, contract, judgeLast, mapped, trace, violationOf } from './test-judging.ts';

describe('a trace that conforms', () => {
  const ops = [...mapped, map('c', 0x2000, 'ram', 0, 1), unmapAllByFlag('c')];

  test('is told from the rules that decided it and those that had an effect', () => {
    const judgement = judge(contract, environment, trace(ops));
    if (judgement.kind !== 'conforms') throw new Error(judgement.kind);
    expect(judgement.ops).toBe(ops.length);
    const decided = [...judgement.decided].filter((id) => !id.startsWith('vocabulary_')).sort();
    expect(decided).toEqual([
      'map_dma_overlaps',
      'map_dma_returns_zero',
      'open_container_returns_descriptor',
      'open_group_returns_descriptor',
      'set_container_returns_zero',
      'set_iommu_returns_zero',
      'unmap_dma_returns_zero',
    ]);
    expect([...judgement.passed].sort()).toEqual([
      'map_dma_creates_mapping',
      'map_dma_pins_page',
      'open_container_creates_container',
      'open_group_opens',
      'set_container_attaches_group',
      'set_iommu_creates_backend',
      'unmap_dma_removes_mappings',
      'unmap_dma_writes_argument',
    ]);
  });

  test('may write a number as a number or in hexadecimal', () => {
    expect(judgeLast(mapped, { value: '0x0' }).kind).toBe('conforms');
    expect(judgeLast(mapped, { value: '0x1' }).kind).toBe('violates');
  });

  test('may be judged twice with the same result', () => {
    const given = trace(ops);
    const first = judge(contract, environment, given);
    expect(judge(contract, environment, given)).toEqual(first);
  });
});

describe('a wrong outcome', () => {
  const overlap = [...mapped, map('c', 0x2000, 'ram', 0, 1)];

  test.each<[title: string, ops: Op[], last: Outcome, rule: string]>([
    ['another errno', overlap, { errno: 'EINVAL' }, 'map_dma_overlaps'],
    ['success instead of an errno', overlap, { value: 0 }, 'map_dma_overlaps'],
    ['an errno instead of success', mapped, { errno: 'ENOMEM' }, 'map_dma_returns_zero'],
    ['another value', mapped, { value: 1 }, 'map_dma_returns_zero'],
    ['a descriptor instead of a value', mapped, { fd: 'c' }, 'map_dma_returns_zero'],
    ['a descriptor of another name', [openContainer('c')], { fd: 'd' }, 'open_container_returns_descriptor'],
    ['a number instead of a descriptor', [openContainer('c')], { value: 3 }, 'open_container_returns_descriptor'],
  ])('%s blames the rule that decides', (_, ops, last, rule) => {
    const violation = violationOf(ops, last);
    expect(violation.rule.id).toBe(rule);
    expect(violation.expectation.rule.id).toBe(rule);
  });

  test('ends judging: what comes later is not looked at', () => {
    const ops = [...overlap, unmapAllByFlag('c'), unmapAllByFlag('c')];
    const judgement = judge(
      contract,
      environment,
      trace(ops, { [overlap.length - 1]: { value: 0 }, [overlap.length]: { value: 7 } }),
    );
    expect(judgement).toMatchObject({
      kind: 'violates',
      ops: overlap.length - 1,
      violation: { op: overlap.length - 1, rule: { id: 'map_dma_overlaps' } },
    });
  });

  test('of an op that only the vocabulary decides blames the vocabulary', () => {
    expect(blamed([memory('arg', 1)], { errno: 'ENOMEM' })).toBe('vocabulary_mmap');
  });

  test('shows what is blamed in the state before the op', () => {
    const given = trace(overlap);
    const { op, choices } = violationOf(overlap, { value: 0 });
    const state = describeState(stateBefore(contract, environment, given, op, choices)).join('\n');
    expect(state).toContain('mappings: [0x1000, +0x2000) rw');
    const without = describeState(stateBefore(contract, environment, given, op - 1, choices)).join('\n');
    expect(without).toContain('mappings: none');
  });
});

describe('wrong memory', () => {
  const argument = (size: string) => ({ memory: 'arg', at: 16, bytes: size });
  const ops = [...mapped, unmapAllByFlag('c')];

  test.each<[title: string, last: Outcome]>([
    ['a change that is missing', { value: 0 }],
    ['other bytes', { value: 0, changed: [argument('0030')] }],
    [
      'a change more',
      {
        value: 0,
        changed: [
          { memory: 'arg', at: 17, bytes: '20' },
          { memory: 'ram', at: 0, bytes: '00' },
        ],
      },
    ],
    [
      'a change more in the same memory',
      {
        value: 0,
        changed: [
          { memory: 'arg', at: 17, bytes: '20' },
          { memory: 'arg', at: 0x100, bytes: '00' },
        ],
      },
    ],
    ['the change at another place', { value: 0, changed: [{ memory: 'arg', at: 18, bytes: '20' }] }],
    ['the change in another memory', { value: 0, changed: [{ memory: 'ram', at: 17, bytes: '20' }] }],
    [
      'the change in another process',
      { value: 0, changed: [{ process: 'child', memory: 'arg', at: 17, bytes: '20' }] },
    ],
  ])('%s blames the rule that wrote last', (_, last) => {
    expect(trace(ops).outcomes.at(-1)).toEqual({ value: 0, changed: [{ memory: 'arg', at: 17, bytes: '20' }] });
    expect(blamed(ops, last)).toBe('unmap_dma_writes_argument');
  });

  test('with a wrong result blames the rule that decides', () => {
    expect(blamed(ops, { errno: 'EINVAL', changed: [{ memory: 'arg', at: 17, bytes: '20' }] })).toBe(
      'unmap_dma_returns_zero',
    );
  });

  test('after an op that changes none blames what should have left it', () => {
    expect(blamed(mapped, { value: 0, changed: [{ memory: 'arg', at: 0, bytes: '00' }] })).toBe(
      'map_dma_creates_mapping',
    );
    expect(
      blamed([...mapped, map('c', 0x1000, 'ram', 0, 1)], {
        errno: 'EEXIST',
        changed: [{ memory: 'arg', at: 0, bytes: '00' }],
      }),
    ).toBe('map_dma_overlaps');
  });

  test('that a device wrote or read blames the rule of the transfer', () => {
    const transfer: Op[] = [
      ...ready,
      openDevice('g', 'g', 'd'),
      ...busMaster('d'),
      pattern('ram', 0, 4, 9),
      map('c', 0x1000, 'ram', 0, 1),
      map('c', 0x8000, 'ram', 0x1000, 1),
      dmaIn('d', 0x1000, 4),
      dmaOut('d', 0x8000, 4),
    ];
    expect(trace(transfer).outcomes.at(-1)).toEqual({
      value: 0,
      changed: [{ memory: 'ram', at: 0x1000, bytes: '0910171e' }],
    });
    expect(blamed(transfer, { value: 0 })).toBe('dma_writes_memory');
  });

  test('that a program looks at must be what it holds', () => {
    const peeks: Op[] = [memory('ram', 1), pattern('ram', 5, 3, 1), { op: 'peek', memory: 'ram', at: 4, length: 5 }];
    expect(trace(peeks).outcomes.at(-1)).toEqual({ value: 0, bytes: 'ff01080fff' });
    expect(judgeLast(peeks, { value: 0, bytes: 'ff01080fff' }).kind).toBe('conforms');
    for (const last of [{ value: 0, bytes: 'ff01080f00' }, { value: 0 }, { value: 0, bytes: 'ff01080f' }])
      expect(judgeLast(peeks, last).kind).toBe('violates');
  });

  test('that an op saves must be what was there', () => {
    const saving = { ...unmap('c', 0x1000, 2), save: [{ name: 'gone', at: 16, width: 8 }] } as Op;
    const saved = [...mapped, saving];
    expect(trace(saved).outcomes.at(-1)).toEqual({ value: 0, saved: { gone: 0x2000 } });
    expect(judgeLast(saved, { value: 0, saved: { gone: '0x2000' } }).kind).toBe('conforms');
    const wrong: Outcome[] = [
      { value: 0, saved: { gone: 0x1000 } },
      { value: 0, saved: { other: 0x2000 } },
      { value: 0 },
    ];
    for (const last of wrong) expect(judgeLast(saved, last).kind).toBe('violates');
  });
});

describe('a trace that is not finished', () => {
  const ops = [...mapped, unmapAllByFlag('c')];

  test.each(ops.map((_, i) => i))('conforms as far as it goes: %d ops', (length) => {
    const given = trace(ops);
    expect(judge(contract, environment, { ...given, outcomes: given.outcomes.slice(0, length) })).toMatchObject({
      kind: 'conforms',
      ops: length,
    });
  });

  test('does not pass rules that it never came to', () => {
    const given = trace(ops);
    const judgement = judge(contract, environment, { ...given, outcomes: given.outcomes.slice(0, ready.length) });
    if (judgement.kind !== 'conforms') throw new Error(judgement.kind);
    expect(judgement.passed.has('map_dma_creates_mapping')).toBe(false);
    expect(judgement.decided.has('map_dma_returns_zero')).toBe(false);
  });
});

describe('what the contract does not say', () => {
  const outside: Op = { op: 'open', what: 'path', path: '/nowhere', as: 'nothing' };
  const before = runOnModel(contract, environment, program(ready)).outcomes;
  const judgeOutside = (last: Outcome, after: Outcome[] = []) =>
    judge(contract, environment, {
      program: program([...ready, outside, unmapAllByFlag('c')]),
      outcomes: [...before, last, ...after],
    });

  test.each<Outcome>([{ value: 0 }, { errno: 'EIO' }, { value: 7, changed: [{ memory: 'ram', at: 0, bytes: '00' }] }])(
    'ends judging, whatever the answer: %j',
    (last) => {
      expect(judgeOutside(last, [{ errno: 'EIO' }])).toMatchObject({
        kind: 'undefined',
        op: ready.length,
        ops: ready.length,
        rule: { id: 'vocabulary_open' },
      });
    },
  );

  test('does not excuse what came before', () => {
    const outcomes = [...before.slice(0, -1), { value: 5 }, { value: 0 }];
    expect(judge(contract, environment, { program: program([...ready, outside]), outcomes })).toMatchObject({
      kind: 'violates',
      violation: { op: ready.length - 1 },
    });
  });
});

describe('a program that cannot be', () => {
  test.each<[title: string, ops: Op[], reason: RegExp]>([
    ['an actor that is not there', [{ op: 'barrier', actor: 'child' }], /there is no process child/],
    ['a memory that is not there', [{ op: 'peek', memory: 'ram', at: 0, length: 1 }], /there is no memory ram/],
    ['an exit of main', [{ op: 'exit' }], /main cannot exit/],
    [
      'an actor that has exited',
      [
        { op: 'fork', as: 'child' },
        { op: 'exit', actor: 'child' },
        { op: 'barrier', actor: 'child' },
      ],
      /there is no process child/,
    ],
  ])('with %s is malformed, and says why', (_, ops, reason) => {
    const judgement = judge(contract, environment, { program: program(ops), outcomes: ops.map(() => ({ value: 0 })) });
    expect(judgement.kind).toBe('malformed');
    if (judgement.kind === 'malformed') expect(judgement.reason).toMatch(reason);
  });
});

test('parameters decide what conforms', () => {
  const foreign: Op[] = [
    memory('arg', 1),
    { op: 'open', what: 'path', path: '/dev/null', as: 'n' },
    openGroup('g', 'g'),
    setContainer('g', 'n'),
  ];
  const given = trace(foreign);
  expect(given.outcomes.at(-1)).toEqual({ errno: 'EBADFD' });
  const other = compileContract(data, parameterSetting(data, 'type1-6.1'));
  expect(judge(other, environment, given)).toMatchObject({
    kind: 'violates',
    violation: { rule: { id: 'set_container_fd_is_not_a_container_einval' } },
  });
});

test('a defect of the contract is what a trace of the right one violates', () => {
  const given = trace([...mapped, map('c', 0x2000, 'ram', 0, 1)]);
  const defective = compileContract(data, contract.parameters, { rule: 'map_dma_overlaps', kind: 'removed' });
  expect(judge(defective, environment, given)).toMatchObject({
    kind: 'violates',
    violation: { rule: { id: 'map_dma_returns_zero' } },
  });
});

test('an ioctl on a container with an argument value does not touch memory', () => {
  const version = [...ready, ioctlValue('c', 'VFIO_GET_API_VERSION', 0xdead)];
  expect(blamed(version, { value: 0, changed: [{ memory: 'arg', at: 0, bytes: '00' }] })).toBe(
    'get_api_version_returns_zero',
  );
});
