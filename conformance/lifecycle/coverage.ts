import { firstChoice } from '../../reference/call.ts';
import type { Contract } from '../../reference/contract.ts';
import { execute } from '../../reference/execute.ts';
import { World } from '../../reference/state.ts';
import type { Environment, Program, Trace, TransitionCount } from '../../spec/uapi/vocabulary.ts';
import type { CaseVerdict } from '../verdict.ts';
import { abstractState } from './abstract-state.ts';
import { transitionId } from './graph.ts';
import { deciding, type Stage, type Step } from './stage.ts';
import { stagesOf } from './stages.ts';
import { graphsOf, lifecycle } from './suite.ts';

const undecided = 'the contract does not say what happens';
const notRun = 'the program that takes it was not run';
const contradicted = 'the target did otherwise';
const failedBefore = 'the program that takes it failed before';
const inconclusive = 'the program that takes it was inconclusive';

/** Collects traces of the suite, and tells at the end which transitions conforming parts of them have taken. */
export class TransitionCoverage {
  readonly #contract: Contract;
  /** Transition -> why it was not taken; undefined for one that was. */
  readonly #why = new Map<string, string | undefined>();

  constructor(contract: Contract) {
    this.#contract = contract;
  }

  /** Says that the suite is to run on a machine; `why` it cannot, if it cannot. */
  expect(environment: Environment, why = notRun): void {
    for (const { states } of graphsOf(this.#contract, environment))
      for (const { transitions } of states)
        for (const { id, to } of transitions) if (!this.#why.has(id)) this.#why.set(id, to ? why : undecided);
  }

  /** Notes a trace that was judged. */
  note(environment: Environment, trace: Trace, { judgement, verdict, reason }: CaseVerdict): void {
    const [suite, id] = trace.program.id.split('/');
    const stage = stagesOf(this.#contract).find((one) => one.id === id);
    if (suite !== lifecycle.name || !stage || judgement.kind === 'malformed') return;
    const beyond = verdict === 'inconclusive' ? inconclusive : (reason ?? failedBefore);
    for (const { op, transition } of transitionsOf(this.#contract, environment, stage, trace.program)) {
      if (!this.#why.has(transition)) continue;
      if (op < judgement.ops) this.#why.set(transition, undefined);
      else if (this.#why.get(transition) === notRun)
        this.#why.set(transition, op === judgement.ops && judgement.kind === 'violates' ? contradicted : beyond);
    }
  }

  /** How many transitions were taken; undefined if the suite was not to run. */
  count(): TransitionCount | undefined {
    if (this.#why.size === 0) return undefined;
    const untaken = new Map<string, { why: string; count: number; example: string }>();
    for (const [id, why] of this.#why) {
      if (why === undefined) continue;
      const one = untaken.get(why);
      if (one) one.count++;
      else untaken.set(why, { why, count: 1, example: id });
    }
    const missed = [...untaken.values()];
    const total = this.#why.size;
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

const byOp = new WeakMap<Stage, Map<string, Step>>();

/** The steps of a stage by the op that counts. */
function stepsOf(stage: Stage): Map<string, Step> {
  let steps = byOp.get(stage);
  if (!steps) {
    steps = new Map(stage.steps.map((step) => [JSON.stringify(deciding(step)), step]));
    byOp.set(stage, steps);
  }
  return steps;
}
