import { firstChoice } from '../../../reference/call/chooser.ts';
import type { Contract } from '../../../reference/interpreter/contract.ts';
import { execute } from '../../../reference/interpreter/execute.ts';
import { World } from '../../../reference/state/state.ts';
import { Problem } from '../../../spec/uapi/problem.ts';
import type { Environment } from '../../../spec/uapi/vocabulary.ts';
import { abstractState } from './abstract-state.ts';
import { available, type Stage, type StageStep } from './stage.ts';

/** A step taken in a state, and the rule that decides what comes of it. */
export interface Transition {
  /** See transitionId(). */
  id: string;
  step: StageStep;
  /** Absent where the contract does not say what happens. */
  to: State | undefined;
}

/** A state of a stage, and all that can be done there. */
export interface State {
  /** See abstractState(). */
  key: string;
  transitions: Transition[];
}

/** All states of a stage that its steps reach from the start, which is the first. */
export interface Graph {
  stage: Stage;
  states: State[];
}

/** More are a mistake in the contract or the stage, such as something that can be done again and again. */
const MOST_STATES = 1000;

/**
 * The graph of a stage, found by doing everything everywhere on the model, in one long walk that starts anew only where it
 * has lost its way. Throws a Problem if it does not end.
 */
export function exploreStage(contract: Contract, environment: Environment, stage: Stage): Graph {
  const states = new Map<string, State>();
  const untried = new Map<State, StageStep[]>();
  const stateOf = (key: string): State => {
    const known = states.get(key);
    if (known) return known;
    if (states.size === MOST_STATES)
      throw new Problem(
        `lifecycle: stage ${stage.id} has more than ${MOST_STATES} states; let its steps come to an end.`,
      );
    const state = { key, transitions: [] };
    states.set(key, state);
    untried.set(state, [...stage.steps]);
    return state;
  };
  const isOpen = (state: State) => untried.get(state)!.length > 0;

  let world = begin(contract, environment, stage);
  const start = stateOf(abstractState(world));
  let state: State | undefined = start;
  for (;;) {
    const way: Transition[] | undefined = state && shortestWay(state, isOpen);
    if (!way) {
      if (state === start) break;
      world.release();
      world = begin(contract, environment, stage);
      state = start;
      continue;
    }
    for (const { step, to } of way) {
      for (const op of step.ops) execute(contract, world, op, 0, firstChoice);
      state = to!;
    }
    state = tryNext(contract, world, stage, state!, untried.get(state!)!, stateOf);
  }
  world.release();
  return { stage, states: [...states.values()] };
}

/** Tries steps in a state up to one that leads out of it, and says where to; undefined if that is nowhere. */
function tryNext(
  contract: Contract,
  world: World,
  stage: Stage,
  from: State,
  steps: StageStep[],
  stateOf: (key: string) => State,
): State | undefined {
  for (let step = steps.shift(); step; step = steps.shift()) {
    if (!available(world, step)) continue;
    const taken = take(contract, world, step);
    if (!taken) return undefined;
    const { rule, decided } = taken;
    const key = abstractState(world);
    const to = decided ? stateOf(key) : undefined;
    from.transitions.push({ id: transitionId(stage, from.key, step, rule), step, to });
    if (key !== from.key) return to;
  }
  return from;
}

/** What a transition is called: stage: state: step, rule. */
export function transitionId(stage: Stage, state: string, step: StageStep, rule: string): string {
  return `${stage.id}: ${state}: ${step.id}, ${rule}`;
}

/** The world of a stage after its set-up. */
function begin(contract: Contract, environment: Environment, stage: Stage): World {
  const world = new World(environment, stage.slots);
  for (const op of stage.ops) execute(contract, world, op, 0, firstChoice);
  return world;
}

/** Takes a step in a world; undefined if it gave a name away that was still in use. */
function take(contract: Contract, world: World, { ops }: StageStep): { rule: string; decided: boolean } | undefined {
  let last: { rule: string; decided: boolean } | undefined;
  for (const op of ops) {
    const named = 'as' in op && world.processes.get(op.actor ?? 'main')!.names.has(op.as!);
    const { rule, outcome } = execute(contract, world, op, 0, firstChoice);
    if (named && outcome.kind === 'fd') return undefined;
    last = { rule: rule.id, decided: outcome.kind !== 'undefined' };
  }
  return last;
}

/** The shortest way from a state to one that is wanted, empty if it is that one; undefined if there is none. */
export function shortestWay(from: State, wanted: (state: State) => boolean): Transition[] | undefined {
  if (wanted(from)) return [];
  const arrivals = new Map<State, { before: State; by: Transition } | undefined>([[from, undefined]]);
  for (const state of arrivals.keys()) {
    if (wanted(state)) {
      const way: Transition[] = [];
      for (let last = arrivals.get(state); last; last = arrivals.get(last.before)) way.unshift(last.by);
      return way;
    }
    for (const by of state.transitions) if (by.to && !arrivals.has(by.to)) arrivals.set(by.to, { before: state, by });
  }
  return undefined;
}
