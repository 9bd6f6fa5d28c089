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
  setIommu,
  unmap,
  unmapAllByFlag,
} from '../conformance/programs/build.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Rule } from '../spec/contract/types.ts';
import type { Op, Outcome, Program } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { judge, stateBefore } from './judge.ts';
import { modelEnvironment, runOnModel } from './model-target.ts';
import { describeState } from './state/state.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const slot = { devices: 1, viable: true };
const environment = modelEnvironment({ machine: {}, slots: [slot] });
const program = (ops: Op[]): Program => ({ id: 'test', topology: { slots: { g: slot } }, ops });

const ready: Op[] = [
  memory('arg', 1),
  memory('ram', 4),
  openContainer('c'),
  openGroup('g', 'g'),
  setContainer('g', 'c'),
  setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
];
const mapped: Op[] = [...ready, map('c', 0x1000, 'ram', 0, 2)];

/** The trace of a program as the contract has it, with the outcomes of single ops replaced. */
function trace(ops: Op[], replaced: Record<number, Outcome> = {}): { program: Program; outcomes: Outcome[] } {
  const { end, outcomes } = runOnModel(contract, environment, program(ops));
  expect(end).toBe('completed');
  return { program: program(ops), outcomes: outcomes.map((outcome, i) => replaced[Math.max(i, 0)] ?? outcome) };
}

/** Judges a program whose last op gave something else. */
function judgeLast(ops: Op[], last: Outcome) {
  const given = trace(ops);
  return judge(contract, environment, { ...given, outcomes: [...given.outcomes.slice(0, -1), last] });
}

function violationOf(ops: Op[], last: Outcome) {
  const judgement = judgeLast(ops, last);
  if (judgement.kind !== 'violates') throw new Error(`the judge says ${judgement.kind}`);
  expect(judgement.violation.op).toBe(ops.length - 1);
  expect(judgement.ops).toBe(ops.length - 1);
  expect(judgement.violation.actual).toEqual(last);
  return judgement.violation;
}

const blamed = (ops: Op[], last: Outcome): Rule['id'] => violationOf(ops, last).rule.id;

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

describe('a copy-out that fails after a part', () => {
  // The argument of an UNMAP of everything crosses from a writable page to one that can only be read.
  const at = 0x1000 - 20;
  const block = '180000000200000000000000000000000000000000000000';
  const crossing: Op[] = [
    ...mapped,
    memory('edge', 2),
    { op: 'poke', memory: 'edge', at, bytes: block },
    { op: 'protect', memory: 'edge', at: 0x1000, length: 0x1000, protection: 'read' },
    { op: 'ioctl', fd: 'c', number: 0x3b72, argument: { memory: 'edge', at } },
  ];
  const partly = (changed: Outcome['changed']): Outcome => ({ errno: 'EFAULT', changed });
  const peek: Op = { op: 'peek', memory: 'edge', at, length: 4 };

  test('may have changed the bytes that it could write, or not', () => {
    expect(judgeLast(crossing, { errno: 'EFAULT' }).kind).toBe('conforms');
    expect(judgeLast(crossing, partly([{ memory: 'edge', at, bytes: 'aabb' }])).kind).toBe('conforms');
    expect(judgeLast(crossing, partly([{ memory: 'edge', at: at + 16, bytes: '00200000' }])).kind).toBe('conforms');
    expect(
      judgeLast(
        crossing,
        partly([
          { memory: 'edge', at, bytes: 'aa' },
          { memory: 'edge', at: at + 19, bytes: 'bb' },
        ]),
      ).kind,
    ).toBe('conforms');
  });

  test.each<[title: string, changed: Outcome['changed']]>([
    ['the byte before them', [{ memory: 'edge', at: at - 1, bytes: '00' }]],
    ['the byte after them', [{ memory: 'edge', at: 0x1000, bytes: '00' }]],
    ['one run that goes on after them', [{ memory: 'edge', at: 0x1000 - 1, bytes: '0000' }]],
    ['another memory', [{ memory: 'ram', at, bytes: '00' }]],
  ])('must not change %s', (_, changed) => {
    expect(judgeLast(crossing, partly(changed)).kind).toBe('violates');
  });

  test('still answers EFAULT', () => {
    expect(blamed(crossing, { value: 0 })).toBe('unmap_dma_writes_argument');
  });

  test('leaves what the trace says it left', () => {
    const given = trace([...crossing, peek]);
    const left = (changed: Outcome['changed'], bytes: string) =>
      judge(contract, environment, {
        ...given,
        outcomes: [...given.outcomes.slice(0, -2), partly(changed), { value: 0, bytes }],
      }).kind;
    const stored = [{ memory: 'edge', at: at + 1, bytes: 'aabb' }];
    expect(left(undefined, '18000000')).toBe('conforms');
    expect(left(stored, '18aabb00')).toBe('conforms');
    expect(left(stored, '18000000')).toBe('violates');
    expect(left(undefined, '18aabb00')).toBe('violates');
  });

  test('leaves it for later ioctls, and for the state that a failure shows', () => {
    // The part that was stored made the request one of an unknown flag.
    const again = [
      ...crossing,
      { op: 'protect', memory: 'edge', at: 0x1000, length: 0x1000, protection: 'read-write' },
      crossing.at(-1)!,
    ] as Op[];
    const given = trace(again);
    const outcomes = [...given.outcomes];
    outcomes[crossing.length - 1] = partly([{ memory: 'edge', at: at + 4, bytes: '80' }]);
    outcomes[again.length - 1] = { errno: 'EINVAL' };
    expect(judge(contract, environment, { ...given, outcomes }).kind).toBe('conforms');
    outcomes[crossing.length - 1] = { errno: 'EFAULT' };
    expect(judge(contract, environment, { ...given, outcomes }).kind).toBe('violates');
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
    violation: { rule: { id: 'set_container_foreign_descriptor_einval' } },
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
