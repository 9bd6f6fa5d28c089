import { possible } from '../conformance/programs/rehearsal.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { execute } from '../reference/interpreter/execute.ts';
import type { Expectation } from '../reference/interpreter/expectation.ts';
import { Recorder } from '../reference/interpreter/recorder.ts';
import { copyWithoutMemory, copyWorld } from '../reference/state/copy-world.ts';
import { World } from '../reference/state/state.ts';
import type { Bindings } from '../reference/state/state-key.ts';
import type { Environment, Op } from '../spec/uapi/vocabulary.ts';
import { readFirstEntries, writeFirstEntries } from './first-entries.ts';
import { type CheckTransition, promisedAfter, type Snapshot } from './invariants.ts';
import { stateDescription } from './state-key.ts';
import type { CheckStep } from './step.ts';
import type { CheckWorld } from './worlds.ts';

/** A state, by the shortest way to it that is known. */
export interface Visit {
  /** See Description. */
  key: string;
  /** Ops after the set-up. */
  depth: number;
  from?: Visit;
  step?: CheckStep;
  /** The step's ops as they were made, and the choices that were open in them. */
  ops: Op[];
  choices: number[];
  promised: Bindings;
}

/** How far to go. */
export interface Bounds {
  /** Ops after the set-up. */
  depth: number;
  states: number;
  /** Small worlds are explored deeper, as long as there are no more states than this. */
  few?: number;
}

/** What has been explored. */
export interface Explored {
  states: number;
  transitions: number;
  /** Ops after the set-up within which all states were visited. */
  depth: number;
  /** There are no others. */
  exhausted: boolean;
  /** Rules that decided, or had an effect. */
  taken: Set<string>;
}

/** What looks on while states are explored. */
export interface ExploreObserver {
  /** A state, before anything is done in it; whether anything is to be done in it. */
  visit(visit: Visit, state: Snapshot): boolean;
  /** A step, and the state that it led to; the same one if it changed nothing. */
  step(transition: CheckTransition, from: Visit, to: Visit): void;
  /** Everything was done in a state. */
  leave(visit: Visit): void;
}

/** The world after a set-up, without the ops that the contract refuses, and those that are left. */
export function setUp(contract: Contract, environment: Environment, checked: CheckWorld): { world: World; ops: Op[] } {
  const world = new World(environment, checked.slots);
  const ops = checked.ops.filter((op) => {
    if (!possible(world, op)) return false;
    const trial = copyWorld(world);
    const { outcome } = execute(contract, trial, op, 0, new Recorder([]));
    trial.release();
    if (outcome.kind === 'errno' || outcome.kind === 'undefined') return false;
    execute(contract, world, op, 0, new Recorder([]));
    return true;
  });
  world.history.length = 0;
  return { world, ops };
}

/** Visits the states of a world, those that take fewer ops first, until there is none left or the bounds are reached. */
export function explore(
  contract: Contract,
  start: World,
  checked: CheckWorld,
  steps: readonly CheckStep[],
  bounds: Bounds,
  observer: ExploreObserver,
): Explored {
  const explorer = new Explorer(contract, start, checked, steps, bounds, observer);
  return explorer.run();
}

class Explorer {
  private readonly contract: Contract;
  private readonly start: World;
  private readonly checked: CheckWorld;
  private readonly steps: readonly CheckStep[];
  private readonly bounds: Bounds;
  private readonly observer: ExploreObserver;
  private readonly known = new Map<string, Visit>();
  /** States that were not visited yet, by their depth. */
  private readonly waiting: Visit[][] = [];
  private readonly taken = new Set<string>();
  private visited = 0;
  /** States in which nothing was to be done. */
  private left = 0;
  private transitions = 0;

  constructor(
    contract: Contract,
    start: World,
    checked: CheckWorld,
    steps: readonly CheckStep[],
    bounds: Bounds,
    observer: ExploreObserver,
  ) {
    this.contract = contract;
    this.start = start;
    this.checked = checked;
    this.steps = steps;
    this.bounds = bounds;
    this.observer = observer;
  }

  run(): Explored {
    const promised: Bindings = new Map();
    this.reach({
      key: stateDescription(this.checked, this.start, promised).key,
      depth: 0,
      ops: [],
      choices: [],
      promised,
    });
    const { depth: deep, states, few = 0 } = this.bounds;
    let depth = 0;
    for (; depth < this.waiting.length && (depth <= deep || this.visited < few); depth++) {
      for (const visit of this.waiting[depth] ?? []) {
        // A shorter way was found later.
        if (this.known.get(visit.key) !== visit) continue;
        if (this.visited === states) return this.explored(depth - 1, false);
        this.visited++;
        this.expand(visit);
      }
      delete this.waiting[depth];
    }
    return this.explored(depth - 1, depth === this.waiting.length && this.left === 0);
  }

  private explored(depth: number, exhausted: boolean): Explored {
    return { states: this.visited, transitions: this.transitions, depth, exhausted, taken: this.taken };
  }

  /** Makes a state known by a way to it, if there is none as short; the visit that represents it. */
  private reach(visit: Visit): Visit {
    const known = this.known.get(visit.key);
    if (known && known.depth <= visit.depth) return known;
    this.known.set(visit.key, visit);
    this.waiting[visit.depth] ??= [];
    this.waiting[visit.depth]!.push(visit);
    return visit;
  }

  private expand(visit: Visit): void {
    const world = this.worldOf(visit);
    const before = this.snapshot(world, visit.promised, undefined);
    const entries = readFirstEntries(this.checked, world);
    if (!this.observer.visit(visit, before)) {
      this.left++;
      world.release();
      return;
    }
    let scratch = copyWithoutMemory(world);
    for (const step of this.steps) {
      const ops = opsIn(world, step);
      if (!ops) continue;
      let choices: number[] | undefined = [];
      while (choices) {
        const recorder: Recorder = new Recorder(choices);
        const expectations = this.perform(scratch, ops, recorder);
        const clean = expectations.every(({ effects }) => effects.length === 0) && !opens(ops);
        const after = clean ? before : this.after(before, step, ops, expectations.at(-1)!, scratch);
        this.arrive(visit, step, ops, recorder.taken, expectations.at(-1)!, before, after);
        // What has come out as it went in can be used again.
        if (after.exact !== before.exact || expectations.at(-1)!.outcome.kind === 'undefined') {
          scratch.releaseDevices();
          scratch = copyWithoutMemory(world);
          writeFirstEntries(this.checked, world, entries);
        }
        choices = recorder.next();
      }
    }
    scratch.releaseDevices();
    world.release();
    this.observer.leave(visit);
  }

  private perform(world: World, ops: readonly Op[], recorder: Recorder): Expectation[] {
    const expectations: Expectation[] = [];
    for (const op of ops) {
      const expectation = execute(this.contract, world, op, 0, recorder);
      expectations.push(expectation);
      this.taken.add(expectation.rule.id);
      for (const rule of expectation.effects) this.taken.add(rule);
      if (expectation.outcome.kind === 'undefined') break;
    }
    world.history.length = 0;
    return expectations;
  }

  /** The state after a step. */
  private after(
    before: Snapshot,
    step: CheckStep,
    ops: readonly Op[],
    expectation: Expectation,
    world: World,
  ): Snapshot {
    const objects = step.act.kind === 'request' || ops[0]!.op === 'dma' ? before.objects : undefined;
    return this.snapshot(world, promisedAfter(before.promised, step, expectation, world), objects);
  }

  private arrive(
    from: Visit,
    step: CheckStep,
    ops: Op[],
    choices: readonly number[],
    expectation: Expectation,
    before: Snapshot,
    after: Snapshot,
  ): void {
    this.transitions++;
    if (expectation.outcome.kind === 'undefined') {
      // Nothing is known of what comes after.
      this.observer.step({ step, ops, choices, op: ops.at(-1)!, expectation, before, after: before }, from, from);
      return;
    }
    const { key, promised } = after;
    const depth = from.depth + ops.length;
    const to = key === from.key ? from : this.reach({ key, depth, from, step, ops, choices: [...choices], promised });
    this.observer.step({ step, ops, choices: [...choices], op: ops.at(-1)!, expectation, before, after }, from, to);
  }

  private snapshot(world: World, promised: Bindings, objects: string | undefined): Snapshot {
    return { checked: this.checked, world, promised, ...stateDescription(this.checked, world, promised, objects) };
  }

  /** The world of a state: its way done again. */
  private worldOf(visit: Visit): World {
    const way: Visit[] = [];
    for (let one: Visit | undefined = visit; one; one = one.from) way.unshift(one);
    const world = copyWorld(this.start);
    for (const { ops, choices } of way) {
      const recorder = new Recorder(choices);
      for (const op of ops) execute(this.contract, world, op, 0, recorder);
    }
    world.history.length = 0;
    return world;
  }
}

/** Whether ops change descriptors, of which no rule has to say so. */
const opens = (ops: readonly Op[]): boolean => ops.some(({ op }) => op !== 'ioctl' && op !== 'inject');

/** The ops of a step in a state; of a step that ends something those that are possible. Undefined if it cannot be taken. */
function opsIn(world: World, { ops, act }: CheckStep): Op[] | undefined {
  // A device that a step opens is there for the ops that follow.
  const canBeDone = (op: Op) => possible(world, op) || (op.op === 'pwrite' && ops.some((one) => makes(one, op.fd)));
  if (act.kind !== 'end' && act.kind !== 'leave') return ops.every(canBeDone) ? ops : undefined;
  const left = ops.filter((op) => possible(world, op));
  return left.includes(ops.at(-1)!) ? left : undefined;
}

const makes = (op: Op, name: string): boolean => op.op === 'open' && op.as === name;
