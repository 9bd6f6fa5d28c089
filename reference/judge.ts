import type { Rule } from '../spec/contract/types.ts';
import { toBigInt } from '../spec/uapi/integer.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { Environment, Op, Outcome, Trace } from '../spec/uapi/vocabulary.ts';
import type { Contract } from './interpreter/contract.ts';
import { execute } from './interpreter/execute.ts';
import { type Expectation, faultOf } from './interpreter/expectation.ts';
import { MalformedProgram } from './interpreter/malformed-program.ts';
import { allows, sameChanges } from './interpreter/outcome.ts';
import { Recorder } from './interpreter/recorder.ts';
import { accepted, adopt, outside } from './interpreter/unspecified.ts';
import { World } from './state/state.ts';

/** States that a trace may leave open at once; more is an error, never a silent cut. */
export const MOST_STATES = 1024;

/** Where a trace departs from the contract. */
export interface Violation {
  /** Index of the op. */
  op: number;
  /** The rule that decides in the expected state. */
  rule: Rule;
  expectation: Expectation;
  /** Absent: the op never returned. */
  actual: Outcome | undefined;
  /** One of the states that the trace had left open. */
  choices: Choices;
}

/** What a trace is worth. For one that conforms: the rules that decided its ops (`last` the last one), and those whose effects they had. */
export type Judgement =
  | {
      kind: 'conforms';
      decided: ReadonlySet<string>;
      passed: ReadonlySet<string>;
      last: Rule | undefined;
      ops: number;
    }
  | { kind: 'violates'; violation: Violation; ops: number }
  | { kind: 'undefined'; op: number; rule: Rule; ops: number }
  | { kind: 'malformed'; reason: string; ops: number };

/** The invisible choices of a state's past: for each op what was chosen, in order. */
export type Choices = number[][];

interface Track {
  world: World;
  choices: Choices;
}

/** One way in which an op can go. */
interface Branch extends Track {
  expectation: Expectation;
}

/** What wants to see a trace being judged. */
export interface Observer {
  /** The states that the trace leaves open before an op. */
  before(op: number, worlds: readonly World[]): void;
  /** The rule that decides, whether the target kept it or not. */
  decided(op: number, rule: string): void;
}

/** Judges a trace by the contract. Needs no target. */
export function judge(
  contract: Contract,
  environment: Environment,
  trace: Pick<Trace, 'program' | 'outcomes'>,
  observer?: Observer,
): Judgement {
  const { program, outcomes } = trace;
  const decided = new Set<string>();
  const passed = new Set<string>();
  let last: Rule | undefined;
  const slots = program.topology.slots;
  let tracks: Track[] = [{ world: new World(environment, slots), choices: [] }];
  if (outcomes.length > program.ops.length)
    return { kind: 'malformed', reason: 'there are more outcomes than ops', ops: 0 };
  const ops = outcomes.length;
  try {
    for (let i = 0; i < ops; i++) {
      const op = program.ops[i]!;
      const actual = outcomes[i]!;
      let kept: Track[] = [];
      let first: Branch | undefined;
      observer?.before(
        i,
        tracks.map(({ world }) => world),
      );
      for (const track of tracks) {
        const found = branches(contract, environment, trace, track, i);
        for (const branch of found) {
          const { expectation } = branch;
          if (expectation.outcome.kind === 'undefined')
            return { kind: 'undefined', op: i, rule: expectation.rule, ops: i };
          if (agrees(expectation, actual, op)) {
            adopt(expectation, actual.changed);
            // What was saved is known only now that what was left open is.
            if (isSavedAgain(expectation) && !sameSaved(expectation, actual)) {
              first ??= branch;
              continue;
            }
            // Where nothing was left open, the state goes on as it is.
            if (found.length === 1 && tracks.length === 1) kept = tracks;
            else kept.push(branch);
            decided.add(expectation.rule.id);
            last = expectation.rule;
          } else first ??= branch;
        }
      }
      observer?.decided(i, kept.length > 0 ? last!.id : first!.expectation.rule.id);
      if (kept.length === 0) {
        const { expectation, choices } = first!;
        return {
          kind: 'violates',
          violation: { op: i, rule: blame(contract, expectation, actual, op), expectation, actual, choices },
          ops: i,
        };
      }
      if (kept.length > MOST_STATES) {
        throw new Problem(
          `program ${program.id}: op ${i} leaves more than ${MOST_STATES} states open; make the program shorter.`,
        );
      }
      tracks = kept;
    }
  } catch (error) {
    if (error instanceof MalformedProgram) return { kind: 'malformed', reason: error.message, ops: 0 };
    throw error;
  }
  for (const { world } of tracks) {
    for (const { rule } of world.history) passed.add(rule);
    world.release();
  }
  return { kind: 'conforms', decided, passed, last, ops };
}

/** The state before an op, and what the contract expects of the op there. */
export function stateBefore(
  contract: Contract,
  environment: Environment,
  trace: Pick<Trace, 'program' | 'outcomes'>,
  index: number,
  choices: Choices,
): World {
  const world = new World(environment, trace.program.topology.slots);
  for (let i = 0; i < index; i++) {
    const expectation = execute(contract, world, trace.program.ops[i]!, i, new Recorder(choices[i] ?? []));
    adopt(expectation, trace.outcomes[i]!.changed);
  }
  return world;
}

/** What may come of an op in one state: one branch for each way in which invisible choices can fall. */
function branches(
  contract: Contract,
  environment: Environment,
  trace: Pick<Trace, 'program' | 'outcomes'>,
  track: Track,
  index: number,
): Branch[] {
  const op = trace.program.ops[index]!;
  let recorder = new Recorder();
  let expectation = execute(contract, track.world, op, index, recorder);
  if (recorder.taken.length === 0) return [{ world: track.world, choices: track.choices, expectation }];
  const all: Branch[] = [{ world: track.world, choices: withTaken(track.choices, index, recorder.taken), expectation }];
  for (let next = recorder.next(); next; next = recorder.next()) {
    const world = stateBefore(contract, environment, trace, index, track.choices);
    recorder = new Recorder(next);
    expectation = execute(contract, world, op, index, recorder);
    all.push({ world, choices: withTaken(track.choices, index, recorder.taken), expectation });
  }
  return all;
}

function withTaken(choices: Choices, index: number, taken: number[]): Choices {
  const longer = choices.slice();
  longer[index] = taken;
  return longer;
}

/** The rule that decided; where the result is right and memory is wrong, the last rule that had an effect. */
function blame(contract: Contract, { rule, outcome, effects }: Expectation, actual: Outcome, op: Op): Rule {
  const last = effects.at(-1);
  return last !== undefined && allows(outcome, actual, op) ? contract.data.rules.get(last)! : rule;
}

function agrees(expectation: Expectation, actual: Outcome, op: Op): boolean {
  if (!allows(expectation.outcome, actual, op)) return false;
  const { output, unspecified } = expectation;
  if (output.kind === 'bytes' && output.bytes !== actual.bytes) return false;
  // Hardly any target can say why.
  if (actual.fault !== undefined && actual.fault !== faultOf(expectation)) return false;
  if (!isSavedAgain(expectation) && !sameSaved(expectation, actual)) return false;
  if (!unspecified) return sameChanges(expectation.changed, actual.changed);
  if (!accepted(unspecified, actual.changed)) return false;
  return sameChanges(outside(unspecified, expectation.changed), outside(unspecified, actual.changed ?? []));
}

/** Whether what is saved is known only once what was left open is. */
const isSavedAgain = ({ output }: Expectation): boolean => output.kind === 'saved' && output.again !== undefined;

/** Whether the saved outputs are those that the contract expects. */
function sameSaved({ output }: Expectation, actual: Outcome): boolean {
  if (output.kind !== 'saved') return true;
  const given = new Map(Object.entries(actual.saved ?? {}));
  return Object.entries(output.saved).every(([name, value]) => given.has(name) && toBigInt(given.get(name)!) === value);
}
