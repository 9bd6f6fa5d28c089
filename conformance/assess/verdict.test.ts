import { describe, expect, test } from 'vitest';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment, runOnModel } from '../../reference/model-target.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { Outcome, Program, Trace } from '../../spec/uapi/vocabulary.ts';
import { map, memory, unmapAll } from '../programs/build.ts';
import { ready } from '../suites/scenarios/scenario.ts';
import { single } from '../suites/suite.ts';
import { decide } from './verdict.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const environment = modelEnvironment({ machine: {}, slots: [single] });
const program: Program = {
  id: 'test',
  topology: { slots: { g: single } },
  ops: [memory('arg', 1), ...ready(), memory('ram', 1), map('c', 0, 'ram', 0, 1), unmapAll('c')],
};
const { outcomes } = runOnModel(contract, environment, program);
const last = outcomes.length - 1;
/** The outcomes that conform, the last but one replaced. */
const withMap = (outcome: Outcome) => outcomes.map((one, i) => (i === last - 1 ? outcome : one));

function verdict(more: Partial<Trace>, strict = false) {
  return decide(
    contract,
    environment,
    { environment: environment.id, program, end: 'completed', outcomes, ...more },
    strict,
  );
}

test('outcomes that conform pass', () => {
  expect(verdict({}).verdict).toBe('pass');
});

test('a probe of an absent feature that conforms is absent', () => {
  expect(verdict({ program: { ...program, feature: 'bind' } }).verdict).toBe('absent');
});

test('a wrong errno fails, and the signature says what it is', () => {
  const { verdict: what, failure } = verdict({ outcomes: withMap({ errno: 'EEXIST' }) });
  expect(what).toBe('fail');
  expect(failure).toMatchObject({
    signature: {
      rule: 'map_dma_returns_zero',
      handler: 'map_dma',
      op: 'ioctl',
      expected: '0',
      actual: 'EEXIST',
    },
    op: last - 1,
  });
});

describe('an errno that an implementation may give for reasons of its own', () => {
  test.each(['ENOMEM', 'EINTR', 'EAGAIN'])('%s is inconclusive', (errno) => {
    expect(verdict({ outcomes: withMap({ errno }) }).verdict).toBe('inconclusive');
  });

  test('is a failure on a target that has no such reasons', () => {
    expect(verdict({ outcomes: withMap({ errno: 'ENOMEM' }) }, true).verdict).toBe('fail');
  });

  test('is a failure where another errno is due', () => {
    const refused: Program = { ...program, ops: [memory('arg', 1), ...ready(), map('c', 1, 'arg', 0, 1)] };
    const wrong = [...runOnModel(contract, environment, refused).outcomes.slice(0, -1), { errno: 'ENOMEM' }];
    expect(verdict({ program: refused, outcomes: wrong }).verdict).toBe('fail');
  });
});

describe('what does not survive fails', () => {
  test.each(['crashed', 'hung'] as const)('%s, whatever the outcomes were', (end) => {
    expect(verdict({ end }).failure?.signature.rule).toBe('target_survives');
    expect(verdict({ end, outcomes: withMap({ errno: 'ENOMEM' }) }).verdict).toBe('fail');
    expect(verdict({ end, program: { ...program, ops: [...program.ops, { op: 'exit' }] } }).verdict).toBe('fail');
  });

  test('a program that is said to have completed with an outcome missing', () => {
    expect(verdict({ outcomes: outcomes.slice(0, -1) }).failure?.signature.rule).toBe('target_survives');
  });
});

test('what a target cannot run is not applicable, with its reason', () => {
  expect(verdict({ end: 'unsupported', outcomes: [], detail: 'no such op' })).toMatchObject({
    verdict: 'not-applicable',
    reason: 'no such op',
  });
});

test('a trace with more outcomes than ops is not applicable, because it is no trace of the program', () => {
  expect(verdict({ outcomes: [...outcomes, { value: 0 }] }).verdict).toBe('not-applicable');
});

test('what carries the implementation says nothing about it when it is lost', () => {
  expect(verdict({ end: 'lost', outcomes: [], detail: 'the emulator was killed by SIGABRT' })).toMatchObject({
    verdict: 'inconclusive',
    reason: 'the emulator was killed by SIGABRT',
  });
});

describe('a fault that the kernel reports', () => {
  const faults = ['WARNING: CPU: 0 PID: 1 at mm/page_alloc.c:5'];
  const rule = data.rules.get('map_dma_returns_zero')!;
  const allowing = (pattern: string) => {
    const rules = new Map(data.rules).set(rule.id, { ...rule, logs: [pattern] });
    const trace: Trace = { environment: environment.id, program, end: 'completed', outcomes, faults };
    return decide({ ...contract, data: { ...data, rules } }, environment, trace, false).verdict;
  };

  test('fails the program, whatever the outcomes were', () => {
    expect(verdict({ faults }).failure).toMatchObject({
      signature: { rule: 'target_survives', actual: 'fault' },
      actual: expect.stringContaining(faults[0]!),
    });
  });

  test('passes where a rule that decides allows it, and no other', () => {
    expect(allowing('WARNING: .* at mm/page_alloc\\.c:')).toBe('pass');
    expect(allowing('WARNING: .* at mm/slub\\.c:')).toBe('fail');
  });
});
