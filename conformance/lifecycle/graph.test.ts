import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstChoice } from '../../reference/call.ts';
import { compileContract } from '../../reference/contract.ts';
import { execute } from '../../reference/execute.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import { World } from '../../reference/state.ts';
import { loadContract, parameterSetting } from '../../spec/contract/load.ts';
import { abstractState } from './abstract-state.ts';
import { explore } from './graph.ts';
import { possible } from './rehearsal.ts';
import { deciding } from './stage.ts';
import { stages } from './stages.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const environment = modelEnvironment({ machine: {}, slots: [] });

describe.each(stages)('the stage $id', (stage) => {
  const graph = explore(contract, environment, stage);

  test('has steps that can be told apart by the op that counts', () => {
    const ops = stage.steps.map((step) => JSON.stringify(deciding(step)));
    expect(new Set(ops).size).toBe(ops.length);
    expect(new Set(stage.steps.map(({ id }) => id)).size).toBe(ops.length);
  });

  test('has every step somewhere in its graph, and in each state at most once', () => {
    const taken = new Set(graph.states.flatMap(({ transitions }) => transitions.map(({ step }) => step.id)));
    expect(stage.steps.map(({ id }) => id).filter((id) => !taken.has(id))).toEqual([]);
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
          const available = stage.steps.filter(({ ops }) => ops.every((op) => possible(world, op)));
          const step = available[choice % available.length]!;
          const { actor = 'main', ...op } = deciding(step);
          const inUse = 'as' in op && world.processes.get(actor)!.names.has(op.as!);
          const { rule, outcome } = step.ops.map((one) => execute(contract, world, one, 0, firstChoice)).at(-1)!;
          // A name that is given away while it is in use ends the walk: the graph is of worlds that can be named.
          if ('fd' in outcome && inUse) return;
          const transition = state!.transitions.find((one) => one.step === step);
          expect(transition?.id).toBe(`${stage.id}: ${state!.key}: ${step.id}, ${rule.id}`);
          if ('undefined' in outcome) {
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

test('a stage that never comes to an end is refused', () => {
  const [stage] = stages;
  const endless = Array.from({ length: 10 }, (_, i) => ({
    id: `open c${i}`,
    ops: [{ op: 'open' as const, what: 'container' as const, as: `c${i}` }],
  }));
  expect(() => explore(contract, environment, { ...stage!, steps: endless })).toThrow(/more than 1000 states/);
});
