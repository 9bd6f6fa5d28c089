import { describe, expect, test } from 'vitest';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import { loopOf, ruleOf, rulesOf } from '../../spec/contract/steps.ts';
import type { ContractData, Handler, RuleOutcome, Step } from '../../spec/contract/types.ts';
import { errnosOf, outcomeText, sourceText, stepsAt } from './contract-text.ts';

describe('the steps of a handler', () => {
  const table: Handler = { id: 't', table: 'bind', steps: [{ kind: 'refuse', rule: 'in_table' }] };
  const data = { handlers: [table] } as Pick<ContractData, 'handlers'> as ContractData;
  /** Kind or rule of each step, indented as deep as it stands. */
  const shown = (steps: Step[], parameters: Record<string, string> = {}) =>
    stepsAt(data, steps, parameters).map(
      ({ step, depth }) => ' '.repeat(depth) + (ruleOf(step) ?? loopOf(step) ?? step.if),
    );

  test.each<[title: string, steps: Step[], texts: string[]]>([
    [
      'in order',
      [
        { kind: 'refuse', rule: 'a' },
        { kind: 'return', rule: 'b' },
      ],
      ['a', 'b'],
    ],
    [
      'of a block without a condition, as if it were not there',
      [
        {
          kind: 'block',
          steps: [
            { kind: 'refuse', rule: 'a' },
            { kind: 'effect', rule: 'b' },
          ],
        },
      ],
      ['a', 'b'],
    ],
    [
      'of a block with one, below it',
      [{ kind: 'block', if: 'c', steps: [{ kind: 'refuse', rule: 'a' }] }],
      ['c', ' a'],
    ],
    ['of a loop, below it', [{ kind: 'each', over: 'pages', steps: [{ kind: 'refuse', rule: 'a' }] }], ['pages', ' a']],
    ['of a table, below the loop that uses it', [{ kind: 'each_device', table: 'bind' }], ['devices', ' in_table']],
    [
      'not of a block of which nothing is left',
      [{ kind: 'block', if: 'c', steps: [{ kind: 'refuse', rule: 'a', when: { p: '1' } }] }],
      [],
    ],
    [
      'only where the parameters select them',
      [
        { kind: 'refuse', rule: 'a', when: { p: '1' } },
        { kind: 'refuse', rule: 'b', when: { p: '2' } },
      ],
      ['b'],
    ],
  ])('%s', (_, steps, texts) => {
    expect(shown(steps, { p: '2' })).toEqual(texts);
  });
});

test.each<[outcome: RuleOutcome, text: string, errnos: string[]]>([
  [{ kind: 'errno', errno: 'EINVAL' }, 'EINVAL', ['EINVAL']],
  [{ kind: 'errno', errno: 'result' }, 'the injected errno', ['result']],
  [{ kind: 'value', value: 0 }, '0', []],
  [{ kind: 'value', value: 'result' }, 'a number that it works out', []],
  [{ kind: 'range', first: 1, last: 4 }, '1 to 4', []],
  [{ kind: 'fd' }, 'a file descriptor', []],
  [{ kind: 'undefined' }, 'undefined', []],
  [
    {
      kind: 'one_of',
      outcomes: [
        { kind: 'errno', errno: 'EIO' },
        { kind: 'value', value: 0 },
      ],
    },
    'EIO or 0',
    ['EIO'],
  ],
])('the outcome %o is %s', (outcome, text, errnos) => {
  expect(outcomeText(outcome)).toBe(text);
  expect(errnosOf(outcome)).toEqual(errnos);
});

test('every rule of every profile is shown with its source by some handler', () => {
  const data = loadContract();
  const shown = new Set<string>();
  for (const profile of data.profiles.keys())
    for (const { steps } of data.handlers)
      for (const { step } of stepsAt(data, steps, parameterSetting(data, profile)))
        for (const id of rulesOf(step)) shown.add(id);
  expect(shown.has('bind_failure_unbinds_everywhere')).toBe(true);
  for (const id of shown)
    for (const source of data.rules.get(id)!.sources) expect(sourceText(data, source)).toMatch(/^.+, .+: .+$/);
});
