import type { Contract } from '../../reference/interpreter/contract.ts';
import { execute } from '../../reference/interpreter/execute.ts';
import type { Expectation } from '../../reference/interpreter/expectation.ts';
import { MalformedProgram } from '../../reference/interpreter/malformed-program.ts';
import { describeExpectation, toOutcome } from '../../reference/interpreter/outcome.ts';
import { Recorder } from '../../reference/interpreter/recorder.ts';
import { adopt } from '../../reference/interpreter/unspecified.ts';
import { type Choices, stateBefore } from '../../reference/judge.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Op, Outcome, Program } from '../../spec/uapi/vocabulary.ts';

/** What the contract allows of one op. */
export interface ExpectedResults {
  op: Op;
  /** Those that read the same once; the state goes on from the first. */
  expectations: [Expectation, ...Expectation[]];
  /** There are more ways in which the op can go than were looked at. */
  more: boolean;
}

/** Ways in which an op can go that are looked at; a transfer of many pages may have more. */
const MOST_WAYS = 64;

/**
 * What the contract allows of each op of a program. Ends early where it says nothing. Throws a Problem for a program that
 * does what no program may.
 */
export function* expectedResults(contract: Contract, program: Program): Generator<ExpectedResults> {
  const { machine = {}, slots } = program.topology;
  const environment = modelEnvironment({ machine, slots: Object.values(slots) });
  const outcomes: Outcome[] = [];
  const choices: Choices = [];
  const before = (index: number) => stateBefore(contract, environment, { program, outcomes }, index, choices);
  try {
    const world = before(0);
    for (const [index, op] of program.ops.entries()) {
      const recorder = new Recorder([]);
      const first = execute(contract, world, op, index, recorder);
      const others = new Map<string, Expectation>();
      let next = recorder.next();
      for (let way = 1; next && way < MOST_WAYS; way++) {
        const other = new Recorder(next);
        const expectation = execute(contract, before(index), op, index, other);
        const text = inWords(expectation, op);
        if (text !== inWords(first, op) && !others.has(text)) others.set(text, expectation);
        next = other.next();
      }
      choices.push(recorder.taken);
      adopt(first);
      yield { op, expectations: [first, ...others.values()], more: next !== undefined };
      const outcome = toOutcome(first, op);
      if (!outcome) return;
      outcomes.push(outcome);
    }
  } catch (error) {
    if (error instanceof MalformedProgram)
      throw new Problem(`${program.id}, op ${outcomes.length}: ${error.message}; mend the program.`);
    throw error;
  }
}

const inWords = (expectation: Expectation, op: Op) => `${expectation.rule.id} ${describeExpectation(expectation, op)}`;
