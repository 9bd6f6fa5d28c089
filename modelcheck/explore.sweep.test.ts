import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { layoutOf } from '../conformance/programs/nesting-ops.ts';
import { possible } from '../conformance/programs/rehearsal.ts';
import type { Chooser } from '../reference/call/chooser.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { execute } from '../reference/interpreter/execute.ts';
import type { Expectation } from '../reference/interpreter/expectation.ts';
import { Recorder } from '../reference/interpreter/recorder.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { copyWorld } from '../reference/state/copy-world.ts';
import type { World } from '../reference/state/state.ts';
import type { Bindings } from '../reference/state/state-key.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op } from '../spec/uapi/vocabulary.ts';
import { derivedSteps } from './derived-steps.ts';
import { type Bounds, type Explored, type ExploreObserver, explore, setUp, type Visit } from './explore.ts';
import { type CheckTransition, promisedAfter } from './invariants.ts';
import { type StateDescription, stateDescription } from './state-key.ts';
import type { CheckStep } from './step.ts';
import { ordinarySteps } from './steps.ts';
import { worlds } from './worlds.ts';

const data = loadContract();

/** A world of a contract, and what can be done in it; with the derived steps it takes longer. */
function scene(profile: string, id: string, derived = true) {
  const contract = compileContract(data, parameterSetting(data, profile));
  const checked = worlds.find((one) => one.id === id)!;
  const environment = modelEnvironment({ machine: checked.machine, slots: [] });
  const layout = layoutOf(contract.parameters);
  const { world: start, ops } = setUp(contract, environment, checked);
  const ordinary = ordinarySteps(checked, layout);
  const others = derived ? derivedSteps(contract, environment, checked, start, ordinary, layout) : [];
  const steps = [...ordinary, ...others];
  const run = (bounds: Bounds, observer: Partial<ExploreObserver>): Explored =>
    explore(contract, start, checked, steps, bounds, { visit: () => true, step() {}, leave() {}, ...observer });
  return { contract, checked, start, ops, steps, run };
}

type Scene = ReturnType<typeof scene>;

/** More than any of the worlds here needs. */
const unbounded: Bounds = { depth: 1000, states: Number.POSITIVE_INFINITY };

/** A state that was come to by doing one step after the other. */
interface State extends StateDescription {
  world: World;
  promised: Bindings;
  /** Ops so far. */
  depth: number;
}

function stateOf({ checked }: Scene, world: World, promised: Bindings, depth: number): State {
  return { world, promised, depth, ...stateDescription(checked, world, promised) };
}

/** The state after a step; undefined if it cannot be taken, or if the contract does not say what happens. */
function afterStep(all: Scene, { world: before, promised, depth }: State, step: CheckStep, chooser: Chooser) {
  const world = copyWorld(before);
  const isEnd = step.act.kind === 'end' || step.act.kind === 'leave';
  let last: { op: Op; expectation: Expectation } | undefined;
  let done = 0;
  for (const op of step.ops) {
    if (possible(world, op)) {
      last = { op, expectation: execute(all.contract, world, op, 0, chooser) };
      if (last.expectation.outcome.kind === 'undefined') return undefined;
      done++;
    } else if (!isEnd) return undefined;
  }
  if (!last || last.op !== step.ops.at(-1)) return undefined;
  return stateOf(all, world, promisedAfter(promised, step, last.expectation, world), depth + done);
}

/** What a random program does next: which step, and which ways it goes on where several are open. */
const move = fc.record({ step: fc.nat(), choices: fc.array(fc.nat(7), { maxLength: 4 }) });

/** How many steps are tried until one changes something: most requests are refused. */
const TRIED = 20;

/** The states on the way of a random program. */
function* statesOn(all: Scene, moves: { step: number; choices: number[] }[], depth: number): Iterable<State> {
  let state = stateOf(all, copyWorld(all.start), new Map(), 0);
  for (const { step, choices } of moves) {
    for (let tried = 0; tried < TRIED; tried++) {
      let next = 0;
      const chooser = { choose: (ways: number) => (choices[next++] ?? 0) % ways };
      const after = afterStep(all, state, all.steps[(step + tried) % all.steps.length]!, chooser);
      if (!after || after.exact === state.exact || after.depth > depth) continue;
      state = after;
      yield state;
      break;
    }
  }
}

/** The state at the end of a way, done again from the start. */
function replayed(all: Scene, visit: Visit, then?: CheckTransition): State {
  const way: Visit[] = [];
  for (let one: Visit | undefined = visit; one; one = one.from) way.unshift(one);
  const world = copyWorld(all.start);
  const parts = [...way, ...(then ? [then] : [])];
  for (const { ops, choices } of parts) {
    const recorder = new Recorder([...choices]);
    for (const op of ops) execute(all.contract, world, op, 0, recorder);
  }
  const depth = parts.reduce((sum, { ops }) => sum + ops.length, 0);
  const promised = then ? promisedAfter(visit.promised, then.step, then.expectation, world) : visit.promised;
  return stateOf(all, world, promised, depth);
}

/** Keys of the states that any step comes to in any way. */
function successors(all: Scene, state: State): string[] {
  const keys = new Set<string>();
  for (const step of all.steps) {
    let choices: number[] | undefined = [];
    while (choices) {
      const recorder: Recorder = new Recorder(choices);
      const after = afterStep(all, state, step, recorder);
      if (after) keys.add(after.key);
      choices = recorder.next();
    }
  }
  return [...keys].sort();
}

/** States that are taken for one, by two ways. */
interface Merged {
  from: Visit;
  to: Visit;
  transition: CheckTransition;
}

/** So many of them are looked into, from everywhere alike; and so many random programs are run. */
const [lookedInto, random] = inject('sweep') === 'whole' ? [40, 200] : [15, 60];

describe.each([
  ['v1-singleton', 'one_device', 5, true],
  ['v1', 'two_groups', 3, true],
  ['v1-fixed', 'two_domains', 3, true],
  ['v1-singleton', 'later_group', 4, false],
  ['v1-singleton', 'two_processes', 3, false],
  ['v1', 'two_containers', 3, false],
])('exploring %s, world %s, %i ops deep', (profile, id, depth, derived) => {
  const all = scene(profile, id, derived);
  const visits = new Map<string, Visit>();
  const otherwise: string[] = [];
  const depths: number[] = [];
  const merged: Merged[] = [];
  let transitions = 0;
  const explored = all.run(
    { ...unbounded, depth },
    {
      visit(visit) {
        visits.set(visit.key, visit);
        depths.push(visit.depth);
        const { key, depth: length } = replayed(all, visit);
        if (key !== visit.key || length !== visit.depth) otherwise.push(visit.key);
        return true;
      },
      step(transition, from, to) {
        if (to !== from && (to.from !== from || to.step !== transition.step)) merged.push({ from, to, transition });
        // Doing the whole way again takes long.
        if (transitions++ % 23 !== 0) return;
        if (replayed(all, from, transition).exact !== transition.after.exact) otherwise.push(transition.step.id);
      },
    },
  );

  test('visits every state once, those that take fewer ops first', () => {
    expect(explored.states).toBe(visits.size);
    expect(depths.length).toBe(visits.size);
    expect(depths).toEqual(depths.toSorted((a, b) => a - b));
    expect(depths.at(-1)).toBeLessThanOrEqual(depth);
  });

  test('comes to states and transitions that are there when they are done again from the start', () => {
    expect(otherwise).toEqual([]);
  });

  test('takes states for one only if the same can come of them', () => {
    const every = Math.ceil(merged.length / lookedInto);
    const different = merged
      .filter((_, i) => i % every === 0)
      .filter(({ from, to, transition }) => {
        const [one, other] = [replayed(all, from, transition), replayed(all, to)];
        return one.key !== other.key || successors(all, one).join('\n') !== successors(all, other).join('\n');
      });
    expect(merged.length).toBeGreaterThan(lookedInto);
    expect(different.map(({ transition }) => transition.step.id)).toEqual([]);
  });

  test('visits whatever random steps come to, and by as few ops', () => {
    let met = 0;
    fc.assert(
      fc.property(fc.array(move, { minLength: 3, maxLength: 6 }), (moves) => {
        for (const state of statesOn(all, moves, depth)) {
          met++;
          expect(visits.get(state.key)?.depth ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(state.depth);
        }
      }),
      { seed: 1, numRuns: random },
    );
    expect(met).toBeGreaterThan(random);
  });
});

describe('exploring all of v1-singleton, world one_device,', () => {
  const all = scene('v1-singleton', 'one_device', false);

  test('ends, and every step was taken somewhere', () => {
    const taken = new Set<string>();
    const explored = all.run(unbounded, { step: ({ step }) => taken.add(step.id) });
    expect(explored.exhausted).toBe(true);
    expect(all.steps.map(({ id }) => id).filter((id) => !taken.has(id))).toEqual([]);
  });

  test('stops at the depth that is asked for, and says that there is more', () => {
    const explored = all.run({ ...unbounded, depth: 2 }, {});
    expect(explored).toMatchObject({ depth: 2, exhausted: false });
  });

  test('stops at the number of states that is asked for, and says how deep all of them were seen', () => {
    let deepest = 0;
    const explored = all.run(
      { ...unbounded, states: 30 },
      {
        visit: ({ depth }) => {
          deepest = depth;
          return true;
        },
      },
    );
    expect(explored.states).toBe(30);
    expect(explored.exhausted).toBe(false);
    expect(explored.depth).toBeLessThan(deepest + 1);
  });
});

test('a step that can go on in several ways goes all of them', () => {
  const { run } = scene('v1-fixed', 'two_groups', false);
  const ends = new Map<string, Set<string>>();
  run(
    { ...unbounded, depth: 3 },
    {
      step({ step }, from, to) {
        const what = `${step.id} in ${from.key}`;
        ends.set(what, (ends.get(what) ?? new Set()).add(to.key));
      },
    },
  );
  // The second device reads by the table as it is, or by a page that its IOMMU remembers.
  expect(Math.max(...[...ends.values()].map(({ size }) => size))).toBe(2);
});

test('a set-up leaves out what the contract refuses', () => {
  const { ops, checked, start } = scene('v1-singleton', 'plain');
  expect(ops.length).toBe(checked.ops.length - 2);
  expect(start.pasids.size).toBe(0);
  expect(start.history).toEqual([]);
});
