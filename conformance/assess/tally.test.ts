import { describe, expect, test } from 'vitest';
import type { RecordCase, UnreachedRule, Verdict } from '../../spec/uapi/vocabulary.ts';
import { exitCode, Tally } from './tally.ts';

const unreached = (why: string): UnreachedRule[] => [{ id: 'rule', why }];

test.each<[string, Record<string, number>, boolean, UnreachedRule[], number]>([
  ['all pass', { pass: 3 }, true, [], 0],
  ['passes and absences', { pass: 3, absent: 2 }, true, [], 0],
  ['one failure', { pass: 3, fail: 1 }, true, [], 1],
  ['an unexpected pass', { pass: 3, 'unexpected-pass': 1 }, true, [], 1],
  ['a failure in a run that was cut off', { fail: 1 }, false, [], 1],
  ['something inconclusive', { pass: 3, inconclusive: 1 }, true, [], 3],
  ['a run that was cut off', { pass: 3 }, false, [], 3],
  ['a rule that nothing reached', { pass: 3 }, true, unreached('no program reaches it'), 3],
  ['a rule unreached for a permitted reason', { pass: 3 }, true, unreached('hardware'), 0],
  ['nothing judged', {}, true, [], 3],
  ['nothing applicable', { 'not-applicable': 9 }, true, [], 3],
  ['nothing defined', { undefined: 9 }, true, [], 3],
])('%s', (_, verdicts, complete, rules, code) => {
  expect(exitCode(verdicts, complete, rules)).toBe(code);
});

describe('a feature', () => {
  const probe = (verdict: Verdict): RecordCase => ({
    kind: 'case',
    suite: 'boundary',
    place: { machine: 'default', unit: 'a/b', index: 0 },
    trace: {
      environment: 'default',
      program: { id: 'a/b/c', feature: 'bind', topology: { slots: {} }, ops: [] },
      end: 'completed',
      outcomes: [],
    },
    verdict,
  });
  const state = (...verdicts: Verdict[]) => {
    const tally = new Tally();
    for (const verdict of verdicts) tally.add(probe(verdict));
    return tally.features.bind;
  };

  test('is absent when every probe says so', () => expect(state('absent', 'absent')).toBe('absent'));
  test('is present when every probe passes', () => expect(state('pass')).toBe('present'));
  test('is neither when one probe says otherwise', () =>
    expect(state('absent', 'fail', 'absent')).toBe('contradictory'));
  test('is neither when one probe says nothing', () => expect(state('absent', 'inconclusive')).toBe('contradictory'));
  test('is neither when every probe fails', () => expect(state('fail', 'fail')).toBe('contradictory'));
});
