import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstChoice } from '../../../reference/call/chooser.ts';
import { compileContract } from '../../../reference/interpreter/contract.ts';
import { execute } from '../../../reference/interpreter/execute.ts';
import { modelEnvironment } from '../../../reference/model-target.ts';
import { World } from '../../../reference/state/state.ts';
import { loadContract } from '../../../spec/contract/load.ts';
import { parameterSetting } from '../../../spec/contract/setting.ts';
import { abstractState } from './abstract-state.ts';
import { exploreStage } from './graph.ts';
import { available, deciding, type Stage } from './stage.ts';
import { plainStages, stagesOf } from './stages.ts';

const data = loadContract();
const settings = ['type1-6.12', 'v1', 'v1-fixed', 'v1-singleton'].map((profile) => ({
  profile,
  contract: compileContract(data, parameterSetting(data, profile)),
}));
const { contract } = settings[0]!;
const environment = modelEnvironment({ machine: {}, slots: [] });
const cases = settings.flatMap(({ profile, contract: one }) =>
  stagesOf(one)
    .filter(({ machine }) => one === contract || machine)
    .map((stage) => ({ id: stage.id, profile, contract: one, stage })),
);
const environmentOf = ({ machine = {} }: Stage) => modelEnvironment({ machine, slots: [] });

describe.each(cases)('the stage $id for $profile', ({ contract, stage }) => {
  const environment = environmentOf(stage);
  const graph = exploreStage(contract, environment, stage);

  test('has steps that can be told apart by the op that counts', () => {
    const ops = stage.steps.map((step) => JSON.stringify(deciding(step)));
    expect(new Set(ops).size).toBe(ops.length);
    expect(new Set(stage.steps.map(({ id }) => id)).size).toBe(ops.length);
  });

  test('has every step in each state at most once', () => {
    for (const { transitions } of graph.states)
      expect(new Set(transitions.map(({ step }) => step)).size).toBe(transitions.length);
  });

  test('has in its graph whatever a random walk does', () => {
    const byKey = new Map(graph.states.map((state) => [state.key, state]));
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 40 }), (choices) => {
        const world = new World(environment, stage.slots);
        for (const op of stage.ops) execute(contract, world, op, 0, firstChoice);
        for (const choice of choices) {
          const state = byKey.get(abstractState(world));
          expect(state, abstractState(world)).toBeDefined();
          const steps = stage.steps.filter((one) => available(world, one));
          const step = steps[choice % steps.length]!;
          const { actor = 'main', ...op } = deciding(step);
          const inUse = 'as' in op && world.processes.get(actor)!.names.has(op.as!);
          const { rule, outcome } = step.ops.map((one) => execute(contract, world, one, 0, firstChoice)).at(-1)!;
          // A name that is given away while it is in use ends the walk: the graph is of worlds that can be named.
          if (outcome.kind === 'fd' && inUse) return;
          const transition = state!.transitions.find((one) => one.step === step);
          expect(transition?.id).toBe(`${stage.id}: ${state!.key}: ${step.id}, ${rule.id}`);
          if (outcome.kind === 'undefined') {
            expect(transition!.to).toBeUndefined();
            return;
          }
          expect(transition!.to!.key).toBe(abstractState(world));
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});

test.each([...new Set(cases.map(({ id }) => id))])('every step of the stage %s can be taken somewhere', (id) => {
  const mine = cases.filter((one) => one.id === id);
  const taken = new Set(
    mine.flatMap(({ contract, stage }) =>
      exploreStage(contract, environmentOf(stage), stage).states.flatMap(({ transitions }) =>
        transitions.map(({ step }) => step.id),
      ),
    ),
  );
  expect(mine[0]!.stage.steps.map((step) => step.id).filter((step) => !taken.has(step))).toEqual([]);
});

test('a stage that never comes to an end is refused', () => {
  const [stage] = plainStages;
  const endless = Array.from({ length: 10 }, (_, i) => ({
    id: `open c${i}`,
    ops: [{ op: 'open' as const, what: 'container' as const, as: `c${i}` }],
  }));
  expect(() => exploreStage(contract, environment, { ...stage!, steps: endless })).toThrow(/more than 1000 states/);
});
