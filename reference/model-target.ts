import type { Adapter, Need, ProgramResult, Session } from '../spec/uapi/adapter.ts';
import { emulatedEnvironment, emulates, spelledOut } from '../spec/uapi/emulated-machine.ts';
import { opNames } from '../spec/uapi/op-names.ts';
import type { Environment, Program } from '../spec/uapi/vocabulary.ts';
import type { Chooser } from './call/chooser.ts';
import type { Contract } from './interpreter/contract.ts';
import { execute } from './interpreter/execute.ts';
import { MalformedProgram } from './interpreter/malformed-program.ts';
import { toOutcome } from './interpreter/outcome.ts';
import { adopt } from './interpreter/unspecified.ts';
import { World } from './state/state.ts';

/** What is left open falls out the other way than usual, unless the program says how: an allocation that may fail does. */
export const lastChoice: Chooser = { choose: (ways: number, likely = ways - 1) => likely };

/** The contract itself as an implementation. */
export function modelAdapter(contract: Contract, version: string): Adapter {
  return {
    target: 'model',
    async start(need) {
      const environment = modelEnvironment(need);
      const session: Session = {
        description: {
          name: 'model',
          version,
          ops: [...opNames],
          faults: ['allocation', 'copy', 'driver'],
          environment,
        },
        window: 1,
        run: (program) => runOnModel(contract, environment, program),
        async stop() {},
      };
      return session;
    },
  };
}

/** Runs a program on the contract. `rules`: where the rules that decide, and those whose effects are had, are put. */
export function runOnModel(
  contract: Contract,
  environment: Environment,
  program: Program,
  rules?: Set<string>,
): ProgramResult {
  const world = new World(environment, program.topology.slots);
  const outcomes: ProgramResult['outcomes'] = [];
  try {
    for (const [index, op] of program.ops.entries()) {
      const expectation = execute(contract, world, op, index, lastChoice);
      rules?.add(expectation.rule.id);
      for (const rule of expectation.effects) rules?.add(rule);
      adopt(expectation);
      const outcome = toOutcome(expectation, op);
      if (!outcome)
        return { end: 'unsupported', outcomes, detail: `op ${index}: the contract does not say what happens` };
      outcomes.push(outcome);
    }
  } catch (error) {
    if (!(error instanceof MalformedProgram)) throw error;
    return { end: 'unsupported', outcomes, detail: error.message };
  } finally {
    world.release();
  }
  return { end: 'completed', outcomes };
}

/** The rules that decide in a program on the contract, and those whose effects it has; none if the contract does not say what happens. */
export function rulesOnModel(contract: Contract, environment: Environment, program: Program): ReadonlySet<string> {
  const rules = new Set<string>();
  return runOnModel(contract, environment, program, rules).end === 'completed' ? rules : new Set();
}

/** The environment of the model: that of the emulated machine, without slots of devices that it has not. */
export function modelEnvironment({ machine, slots }: Need): Environment {
  const whole = spelledOut(machine);
  const named = slots.map((slot, i) => [`s${i}`, slot] as const).filter(([, slot]) => emulates(whole, slot));
  return emulatedEnvironment(whole, Object.fromEntries(named));
}
