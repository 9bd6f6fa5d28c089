import type { Contract } from '../reference/interpreter/contract.ts';
import { execute } from '../reference/interpreter/execute.ts';
import { describeOutcome, toOutcome } from '../reference/interpreter/outcome.ts';
import { Recorder } from '../reference/interpreter/recorder.ts';
import { adopt } from '../reference/interpreter/unspecified.ts';
import { type Choices, stateBefore } from '../reference/judge.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import type { DescribedOp } from '../reports/reference/sections/described-op.ts';
import type { Environment, Outcome, Program } from '../spec/uapi/vocabulary.ts';

/**
 * A program whose outcomes the contract allows, op by op in words, each with the rule that decided and the rules whose effects
 * it had. Throws for outcomes that the contract does not allow.
 */
export function describeProgram(
  contract: Contract,
  environment: Environment,
  program: Program,
  outcomes: readonly Outcome[],
): DescribedOp[] {
  const rules = decidingRules({ contract, environment, program, outcomes: [...outcomes] }, [], 0);
  if (!rules) throw new Error(`${program.id}: the contract does not allow these outcomes`);
  const kinds = kindsOf(program.ops);
  return program.ops
    .slice(0, outcomes.length)
    .map((op, i) => ({ op: describeOp(op, kinds), outcome: describeOutcome(outcomes[i]!), ...rules[i]! }));
}

interface Describing {
  contract: Contract;
  environment: Environment;
  program: Program;
  outcomes: Outcome[];
}

type Rules = Pick<DescribedOp, 'rule' | 'effects'>;

/** The rules of the ops from one on; undefined if, after these choices, the outcomes cannot come about. */
function decidingRules(describing: Describing, choices: Choices, index: number): Rules[] | undefined {
  const { contract, environment, program, outcomes } = describing;
  if (index === outcomes.length) return [];
  const op = program.ops[index]!;
  const described = describeOutcome(outcomes[index]!);
  for (let given: number[] | undefined = []; given; ) {
    const recorder: Recorder = new Recorder(given);
    const world = stateBefore(contract, environment, { program, outcomes }, index, choices);
    const expectation = execute(contract, world, op, index, recorder);
    adopt(expectation, outcomes[index]!.changed);
    const outcome = toOutcome(expectation, op);
    if (outcome && describeOutcome(outcome) === described) {
      const rest = decidingRules(describing, [...choices, recorder.taken], index + 1);
      if (rest) return [{ rule: expectation.rule.id, effects: expectation.effects }, ...rest];
    }
    given = recorder.next();
  }
  return undefined;
}
