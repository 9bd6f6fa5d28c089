import { expect, test } from 'vitest';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment, runOnModel } from '../../reference/model-target.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { Op, Outcome, Program, Trace } from '../../spec/uapi/vocabulary.ts';
import {
  access,
  busMaster,
  dmaOut,
  getInfo,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  pattern,
  setContainer,
} from '../programs/build.ts';
import { ready } from '../suites/scenarios/scenario.ts';
import { single } from '../suites/suite.ts';
import { type Answerer, attribute, type Setting, settingName } from './divergence.ts';

const data = loadContract();
const environment = modelEnvironment({ machine: {}, slots: [single] });

function setting(profile: string, replaced: Record<string, string> = {}): Setting {
  return { contract: compileContract(data, parameterSetting(data, profile, replaced)), profile };
}

const old = setting('type1-6.1');
const recent = setting('type1-6.12');

/** What the contract itself answers at a setting, judged by that or another. */
function answerer(ops: Op[], by: Setting, judgedBy = by): Answerer {
  const program: Program = { id: 'test', topology: { slots: { g: single } }, ops };
  const { end, outcomes } = runOnModel(by.contract, environment, program);
  return { setting: judgedBy, environment, trace: { environment: 'default', program, end, outcomes } };
}

/** The same with the last outcome replaced. */
function withLast({ trace, ...rest }: Answerer, outcome: Outcome | undefined, more: Partial<Trace> = {}): Answerer {
  const outcomes = [...trace.outcomes.slice(0, -1), ...(outcome ? [outcome] : [])];
  return { ...rest, trace: { ...trace, outcomes, ...more } };
}

const foreign = [memory('arg', 1), openContainer('c'), openGroup('g', 'g'), setContainer('g', 'g')];
const attached = [memory('arg', 1), ...ready()];
const last = foreign.length - 1;

test('each answer is attributed to the rule that decides by its own profile, and the parameter is named', () => {
  expect(attribute(answerer(foreign, old), answerer(foreign, recent), last)).toMatchObject({
    first: { rule: 'set_container_fd_is_not_a_container_einval', setting: 'type1-6.1', stands: 'holds' },
    second: { rule: 'set_container_fd_is_not_a_container_ebadfd', setting: 'type1-6.12', stands: 'holds' },
    parameters: [{ id: 'foreign_container_fd', first: 'einval', second: 'ebadfd' }],
  });
});

test.each(['first', 'second'] as const)(
  'the %s answer, where it breaks its own profile, is attributed to the setting that it meets',
  (which) => {
    const deviating = answerer(foreign, setting('type1-6.12', { foreign_container_fd: 'einval' }), recent);
    const pair = [deviating, answerer(foreign, recent)] as const;
    const [one, other] = which === 'first' ? pair : ([pair[1], pair[0]] as const);
    const attribution = attribute(one, other, last);
    expect(attribution[which]).toMatchObject({
      rule: 'set_container_fd_is_not_a_container_einval',
      setting: 'type1-6.12 with foreign_container_fd=einval',
      stands: 'holds',
    });
    expect(attribution.parameters?.[0]?.[which]).toBe('einval');
  },
);

test('answers that differ in memory alone are attributed to what made the difference before', () => {
  const ops = [
    ...attached,
    openDevice('g', 'g', 'd'),
    ...busMaster('d'),
    memory('ram', 1, { fill: 'untouched' }),
    memory('to', 1),
    map('c', 0x10000, 'ram', 0, 1, access.read),
    map('c', 0x20000, 'to', 0, 1),
    pattern('ram', 0, 16, 3),
    { op: 'dma', device: 'd', direction: 'from-memory', iova: 0x10000, length: 16 } as const,
    dmaOut('d', 0x20000, 16),
  ];
  const pair = [answerer(ops, old), answerer(ops, recent)] as const;
  expect(pair[0].trace.outcomes.at(-1)!.value).toBe(pair[1].trace.outcomes.at(-1)!.value);
  expect(pair[0].trace.outcomes.at(-1)).not.toEqual(pair[1].trace.outcomes.at(-1));
  expect(attribute(...pair, ops.length - 1)).toMatchObject({
    first: { rule: 'map_dma_untouched_page_is_zero_page' },
    second: { rule: 'map_dma_untouched_page_is_private' },
    parameters: [{ id: 'untouched_read_map' }],
  });
});

test('where it takes several parameters, as few as possible are named', () => {
  const ops = [...attached, memory('info', 1), getInfo('c', 'info', 256)];
  expect(attribute(answerer(ops, old), answerer(ops, recent), ops.length - 1)).toMatchObject({
    first: { setting: 'type1-6.1', stands: 'holds' },
    second: { setting: 'type1-6.12', stands: 'holds' },
    parameters: [{ id: 'get_info_written' }, { id: 'dma_available_capability' }],
  });
});

test('an answer that no parameter explains breaks the rule that decides', () => {
  const right = answerer(attached, recent);
  const attribution = attribute(right, withLast(right, { errno: 'EXDEV' }), attached.length - 1);
  expect(attribution.first).toMatchObject({ rule: 'set_iommu_returns_zero', stands: 'holds' });
  expect(attribution.second).toMatchObject({ rule: 'set_iommu_returns_zero', stands: 'broken' });
  expect(attribution.parameters).toBeUndefined();
});

test('after an answer that both gave and that breaks a profile, the later one is not attributed to its own rule', () => {
  const wrong = answerer([...foreign, openContainer('k')], old, recent);
  const attribution = attribute(wrong, withLast(wrong, { errno: 'EXDEV' }), last + 1);
  expect(attribution.first).toMatchObject({
    rule: 'set_container_fd_is_not_a_container_ebadfd',
    setting: 'type1-6.12',
    stands: 'broken-before',
  });
});

test.each<[title: string, more: Partial<Trace>, kept: Outcome | undefined]>([
  ['that crashed in the op', { end: 'crashed' }, undefined],
  ['that crashed after the op', { end: 'crashed' }, { value: 0 }],
  ['that said nothing', {}, undefined],
])('a target %s did not survive', (_, more, kept) => {
  const right = answerer(attached, recent);
  expect(attribute(right, withLast(right, kept, more), attached.length - 1)).toMatchObject({
    first: { rule: 'set_iommu_returns_zero', stands: 'holds' },
    second: { rule: 'target_survives', stands: 'broken' },
  });
});

test('where the contract says nothing, it leaves both answers open', () => {
  const ops: Op[] = [{ op: 'open', what: 'path', path: '/nowhere', as: 'n' }];
  const one: Answerer = {
    setting: recent,
    environment,
    trace: {
      environment: 'default',
      program: { id: 'test', topology: { slots: {} }, ops },
      end: 'completed',
      outcomes: [{ fd: 'n' }],
    },
  };
  expect(attribute(one, withLast(one, { errno: 'ENOENT' }), 0)).toMatchObject({
    first: { stands: 'undefined' },
    second: { stands: 'undefined' },
  });
});

test('a setting is called by its profile and what was replaced', () => {
  expect(settingName(recent)).toBe('type1-6.12');
  expect(settingName(setting('type1-6.1', { foreign_container_fd: 'ebadfd' }))).toBe(
    'type1-6.1 with foreign_container_fd=ebadfd',
  );
});
