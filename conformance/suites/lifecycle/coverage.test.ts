import { expect, test } from 'vitest';
import { compileContract } from '../../../reference/interpreter/contract.ts';
import { modelEnvironment, runOnModel } from '../../../reference/model-target.ts';
import { loadContract } from '../../../spec/contract/load.ts';
import { parameterSetting } from '../../../spec/contract/setting.ts';
import type { Program, Trace } from '../../../spec/uapi/vocabulary.ts';
import { decide } from '../../assess/verdict.ts';
import { programsOf } from '../suite.ts';
import { TransitionCoverage } from './coverage.ts';
import { graphOf, lifecycle, stagesOn, stageUnit } from './suite.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const environment = modelEnvironment(lifecycle.needs()[0]!);
const programs = [...programsOf(lifecycle, contract, environment)];
const stages = stagesOn(contract, environment);
const units = new Set(stages.map(stageUnit));
const transitions = stages.flatMap((stage) =>
  graphOf(contract, environment, stage).states.flatMap((one) => one.transitions),
);
const undecided = transitions.filter(({ to }) => !to).length;

function coverage(traces: readonly Trace[]) {
  const collected = new TransitionCoverage(contract);
  collected.expect(environment, units);
  for (const trace of traces) {
    const watch = collected.watch(trace);
    if (watch) collected.note(environment, trace, decide(contract, environment, trace, true, watch), watch);
  }
  const { untaken, ...count } = collected.count()!;
  return { ...count, untaken: Object.fromEntries(untaken.map(({ why, count }) => [why, count])) };
}

const traceOf = (program: Program): Trace => ({
  environment: environment.id,
  program,
  ...runOnModel(contract, environment, program),
});

test('all programs together take every transition that the contract decides', () => {
  const { suite, total, taken, untaken } = coverage(programs.map(traceOf));
  expect(suite).toBe('lifecycle');
  expect(total).toBe(transitions.length);
  expect(taken).toBe(total - undecided);
  expect(untaken).toEqual({ 'the contract does not say what happens': undecided });
});

test('without one of the tours less is taken', () => {
  const tours = programs.filter(({ id }) => !id.includes('/closing/'));
  const whole = coverage(tours.map(traceOf)).taken;
  for (const at of [0, 10, tours.length - 1]) {
    const { taken, untaken } = coverage(tours.toSpliced(at, 1).map(traceOf));
    expect(taken).toBeLessThan(whole);
    expect(untaken['the program that takes it was not run']).toBe(whole - taken);
  }
});

test('nothing is taken from the op on that did otherwise', () => {
  const trace = traceOf(programs[0]!);
  const whole = coverage([trace]).taken;
  const outcomes = trace.outcomes.map((outcome, i) => (i === 20 ? { errno: 'EXDEV' } : outcome));
  const { taken, untaken } = coverage([{ ...trace, outcomes }]);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(whole);
  expect(untaken['the target did otherwise']).toBe(1);
  expect(untaken['the program that takes it failed before']).toBe(whole - taken - 1);
});

test('a program that could not be run says why', () => {
  const trace: Trace = { ...traceOf(programs[0]!), end: 'unsupported', outcomes: [], detail: 'there is no group' };
  const { taken, untaken } = coverage([trace]);
  expect(taken).toBe(0);
  expect(untaken['there is no group']).toBeGreaterThan(30);
});

test('a run without the suite counts nothing, and a machine that is not there is a reason', () => {
  const none = new TransitionCoverage(contract);
  expect(none.count()).toBeUndefined();
  none.expect(environment, units, 'no such machine');
  expect(none.count()!.untaken.map(({ why }) => why)).toContain('no such machine');
});
