import { firstChoice } from '../../../reference/call/chooser.ts';
import type { Contract } from '../../../reference/interpreter/contract.ts';
import { execute } from '../../../reference/interpreter/execute.ts';
import type { Observer } from '../../../reference/judge.ts';
import { World } from '../../../reference/state/state.ts';
import type { Environment, Program, Trace, TransitionCount } from '../../../spec/uapi/vocabulary.ts';
import type { CaseVerdict } from '../../assess/verdict.ts';
import { abstractState } from './abstract-state.ts';
import { transitionId } from './graph.ts';
import { deciding, type Stage, type StageStep } from './stage.ts';
import { stagesOf } from './stages.ts';
import { graphOf, lifecycle, stagesOn, stageUnit } from './suite.ts';

const undecided = 'the contract does not say what happens';
const notRun = 'the program that takes it was not run';
const contradicted = 'the target did otherwise';
const failedBefore = 'the program that takes it failed before';
const inconclusive = 'the program that takes it was inconclusive';

/** Sees a trace of the suite being judged, and keeps the transitions that its ops are. */
export class TransitionWatch implements Observer {
  readonly seen: string[] = [];
  readonly stage: Stage;
  private readonly trace: Trace;
  private step: StageStep | undefined;
  /** More than one where it is open what the state is. */
  private states: string[] = [];

  constructor(stage: Stage, trace: Trace) {
    this.stage = stage;
    this.trace = trace;
  }

  before(op: number, worlds: readonly World[]): void {
    this.step = stepsOf(this.stage).get(JSON.stringify(this.trace.program.ops[op]));
    if (this.step) this.states = worlds.map(abstractState);
  }

  decided(_: number, rule: string): void {
    if (!this.step) return;
    for (const state of this.states) this.seen.push(transitionId(this.stage, state, this.step, rule));
  }
}

/** Collects traces of the suite, and reports at the end which transitions conforming parts of them have taken. */
export class TransitionCoverage {
  private readonly contract: Contract;
  /** Transition -> why it was not taken; undefined for one that was. */
  private readonly why = new Map<string, string | undefined>();

  constructor(contract: Contract) {
    this.contract = contract;
  }

  /** Says that units of the suite are to run on a machine; `why` they cannot, if they cannot. */
  expect(environment: Environment, units: ReadonlySet<string>, why = notRun): void {
    for (const stage of stagesOn(this.contract, environment)) {
      if (!units.has(stageUnit(stage))) continue;
      for (const { transitions } of graphOf(this.contract, environment, stage).states)
        for (const { id, to } of transitions) if (!this.why.has(id)) this.why.set(id, to ? why : undecided);
    }
  }

  /** What has to see a trace being judged, so that it can be noted; undefined for one that takes no transitions. */
  watch(trace: Trace): TransitionWatch | undefined {
    const [suite, id] = trace.program.id.split('/');
    if (suite !== lifecycle.name || this.why.size === 0) return undefined;
    const stage = stagesOf(this.contract).find((one) => one.id === id);
    return stage && new TransitionWatch(stage, trace);
  }

  /** Notes a trace that was judged. */
  note(
    environment: Environment,
    trace: Trace,
    { judgement, verdict, reason }: CaseVerdict,
    { seen, stage }: TransitionWatch,
  ): void {
    if (judgement.kind === 'malformed') return;
    if (judgement.kind === 'conforms' && judgement.ops === trace.program.ops.length) {
      for (const id of seen) if (this.why.has(id)) this.why.set(id, undefined);
      return;
    }
    // What would have come after is only known from the model.
    const beyond = verdict === 'inconclusive' ? inconclusive : (reason ?? failedBefore);
    for (const { op, transition } of transitionsOf(this.contract, environment, stage, trace.program)) {
      if (!this.why.has(transition)) continue;
      if (op < judgement.ops) this.why.set(transition, undefined);
      else if (this.why.get(transition) === notRun)
        this.why.set(transition, op === judgement.ops && judgement.kind === 'violates' ? contradicted : beyond);
    }
  }

  /** How many transitions were taken; undefined if the suite was not to run. */
  count(): TransitionCount | undefined {
    if (this.why.size === 0) return undefined;
    const untaken = new Map<string, { why: string; count: number; example: string }>();
    for (const [id, why] of this.why) {
      if (why === undefined) continue;
      const one = untaken.get(why);
      if (one) one.count++;
      else untaken.set(why, { why, count: 1, example: id });
    }
    const missed = [...untaken.values()];
    const total = this.why.size;
    return {
      suite: lifecycle.name,
      total,
      taken: total - missed.reduce((sum, { count }) => sum + count, 0),
      untaken: missed,
    };
  }
}

/** The ops of a program that are steps of a stage, and the transitions that they are on the model. */
function* transitionsOf(
  contract: Contract,
  environment: Environment,
  stage: Stage,
  { topology, ops }: Program,
): Iterable<{ op: number; transition: string }> {
  const steps = stepsOf(stage);
  const world = new World(environment, topology.slots);
  for (const [index, op] of ops.entries()) {
    const step = steps.get(JSON.stringify(op));
    const state = step && abstractState(world);
    const { rule } = execute(contract, world, op, index, firstChoice);
    if (step) yield { op: index, transition: transitionId(stage, state!, step, rule.id) };
  }
  world.release();
}

const byOp = new WeakMap<Stage, Map<string, StageStep>>();

/** The steps of a stage by the op that counts. */
function stepsOf(stage: Stage): Map<string, StageStep> {
  let steps = byOp.get(stage);
  if (!steps) {
    steps = new Map(stage.steps.map((step) => [JSON.stringify(deciding(step)), step]));
    byOp.set(stage, steps);
  }
  return steps;
}
