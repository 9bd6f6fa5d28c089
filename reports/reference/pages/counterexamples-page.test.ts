import { expect, test } from 'vitest';
import { loadContract } from '../../../spec/contract/load.ts';
import type { CheckResult, Counterexample } from '../../../spec/uapi/vocabulary.ts';
import { siteOf } from '../site.ts';
import { counterexamplePrograms, counterexamplesByFinding, counterexamplesText } from './counterexamples-page.ts';

const counterexample = (defects: string[], steps: number): Counterexample => ({
  invariant: 'I1',
  defects,
  parameters: { driver: 'v11' },
  bases: ['driver=v11'],
  world: 'two_domains',
  steps,
  setUp: 1,
  broken: 'PASID 5 is bound on one device only.',
  program: { id: 'check/I1', topology: { slots: {} }, ops: [] },
  outcomes: [],
});
const long = counterexample(['L1', 'L2'], 3);
const short = counterexample(['L2'], 2);

const series: CheckResult = {
  profile: 'v1',
  parameters: {},
  holds: false,
  seconds: 1,
  bases: [],
  invariants: [
    {
      id: 'I1',
      sentence: 'A request that fails changes nothing.',
      holds: false,
      premise: 7,
      states: 100,
      depth: 4,
      exhausted: true,
      steps: 2,
      defects: ['L1', 'L2'],
      counterexamples: [long, short],
    },
  ],
  notAsked: [],
  rules: { total: 1, taken: 1, untaken: [] },
  differences: [
    {
      defect: 'V4',
      sentence: 'An unknown version is answered as a lack of memory.',
      here: ['bind_size_is_negative'],
      recommended: ['bind_version_unknown'],
      parameters: [],
    },
  ],
};

const op = (text: string, rule = 'bind_returns_zero') => ({ op: text, outcome: 'returns 0', rule, effects: [] });
const described = {
  ops: [op('mmap as=arg'), op('ioctl c VFIO_IOMMU_BIND'), op('ioctl c VFIO_IOMMU_BIND'), op('dma device=d')],
};

const checked = {
  series,
  described: new Map([
    [long, described],
    [short, described],
  ]),
  keeping: [
    {
      ...series,
      profile: 'v1-fixed',
      holds: true,
      invariants: series.invariants.map((one) => ({ ...one, holds: true, counterexamples: [] })),
    },
  ],
};
const text = counterexamplesText(siteOf(loadContract()), checked);

const part = (heading: string): string => {
  const from = text.indexOf(heading);
  expect(from, heading).toBeGreaterThan(0);
  return text.slice(from, text.indexOf('\n## ', from));
};

test('each finding has its shortest counterexample', () => {
  expect(counterexamplesByFinding(series)).toEqual(
    new Map([
      ['L1', long],
      ['L2', short],
    ]),
  );
});

test('a counterexample is told as set-up, steps, what is wrong, what is reachable, and how to run it again', () => {
  const l2 = part('## <a id="l2"></a>L2: ');
  expect(l2).toContain('[I1](invariants.md#i1)');
  expect(l2).toContain('On `driver=v11`');
  expect(l2).toContain('After [set-up 1](#set-up-1), 1 op:');
  expect(l2).toMatch(
    /\n1\. `ioctl c VFIO_IOMMU_BIND`.*\n2\. .*\n\n\*\*Wrong is:\*\* PASID 5 .*\n\nWhat is reachable then:\n\n3\. `dma/,
  );
  expect(l2).toContain('npx vfio-conform replay docs/reference/counterexamples/l2.json --profile v1 --set driver=v11');
});

test('a set-up that counterexamples share is told once', () => {
  expect(part('## Set-ups')).toMatch(/<a id="set-up-1"><\/a>.*Set-up 1: 1 op<\/summary>\n\n0\. `mmap as=arg`/);
  expect(text.split('`mmap as=arg`')).toHaveLength(2);
});

test('each finding has the program of its counterexample as a file, and so has an invariant that breaks without one', () => {
  const alone = { ...counterexample([], 1), invariant: 'I7' };
  const programs = counterexamplePrograms({
    ...checked,
    series: { ...series, invariants: [{ ...series.invariants[0]!, counterexamples: [long, short, alone] }] },
  });
  expect([...programs.keys()]).toEqual([
    'counterexamples/l1.json',
    'counterexamples/l2.json',
    'counterexamples/i7.json',
  ]);
  for (const program of programs.values()) expect(JSON.parse(program)).toEqual(long.program);
});

test('what has no counterexample is told by the rules that differ', () => {
  const without = part('## Findings without one');
  expect(without).toContain('<a id="v4"></a>**V4**');
  expect(without).toContain('as posted: [`bind_size_is_negative`](ioctls/iommu-bind.md#bind_size_is_negative)');
});

test('what holds is told with how often its premise did', () => {
  expect(text).toContain('`v1-fixed` keeps all that it promises.');
  expect(text).toContain('| 7 | 100 | all |');
});
