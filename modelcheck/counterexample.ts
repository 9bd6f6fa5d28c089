import { dmaOut } from '../conformance/programs/build.ts';
import { taggedIn } from '../conformance/programs/nesting-ops.ts';
import { possible } from '../conformance/programs/rehearsal.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { execute } from '../reference/interpreter/execute.ts';
import { lastChoice, runOnModel } from '../reference/model-target.ts';
import { copyWorld } from '../reference/state/copy-world.ts';
import type { World } from '../reference/state/state.ts';
import type { Counterexample, Environment, Op, Program } from '../spec/uapi/vocabulary.ts';
import type { Visit } from './explore.ts';
import { ACROSS, SCRATCH } from './guest.ts';
import type { Breach } from './inspector.ts';
import { type CheckWorld, opensDevice, PASIDS } from './worlds.ts';

/** What a program is made from. */
export interface Origin {
  contract: Contract;
  environment: Environment;
  checked: CheckWorld;
  /** The set-up, and the world after it. */
  setUp: readonly Op[];
  start: World;
}

/** A breach as a program that runs on targets: the set-up, the steps, and transfers that show what devices reach afterwards. */
export function counterexample(
  origin: Origin,
  { invariant, findings, broken, depth, from, ops: last }: Breach,
  bases: Pick<Counterexample, 'parameters' | 'bases'>,
): Counterexample {
  const { contract, environment, checked, setUp } = origin;
  const steps = [...wayTo(from), ...last];
  const program: Program = {
    id: `check/${checked.id}/${[invariant, ...findings].join('_').toLowerCase()}`,
    about: broken,
    topology: { machine: checked.machine, slots: checked.slots },
    ops: [...setUp, ...steps, ...showing(origin, steps)],
  };
  const { outcomes } = runOnModel(contract, environment, program);
  return {
    invariant,
    defects: findings,
    ...bases,
    world: checked.id,
    steps: depth,
    setUp: setUp.length,
    broken,
    program,
    outcomes,
  };
}

/** The ops on the way to a state. */
function wayTo(visit: Visit): Op[] {
  const ways: Op[][] = [];
  for (let one: Visit | undefined = visit; one; one = one.from) ways.unshift(one.ops);
  return ways.flat();
}

/** Transfers of every device that is in a container, with each PASID, and what they have read. */
function showing({ contract, start, checked }: Origin, steps: readonly Op[]): Op[] {
  const world = copyWorld(start);
  const ops: Op[] = [];
  const perform = (op: Op): boolean => {
    if (!possible(world, op)) return false;
    const trial = copyWorld(world);
    const { outcome } = execute(contract, trial, op, 0, lastChoice);
    trial.release();
    if (outcome.kind === 'undefined' || outcome.kind === 'errno') return false;
    execute(contract, world, op, 0, lastChoice);
    ops.push(op);
    return true;
  };
  for (const op of steps) execute(contract, world, op, 0, lastChoice);
  let place = 0;
  for (const device of checked.devices) {
    const { name, actor } = device;
    const by = (op: Op): Op => (actor === undefined ? op : { ...op, actor });
    const process = world.processes.get(actor ?? 'main');
    if (!process) continue;
    if (!process.names.has(name) && !opensDevice(device).every(perform)) continue;
    for (const pasid of PASIDS) {
      if (!perform(by(taggedIn(name, pasid, ACROSS.iova, ACROSS.length)))) continue;
      perform(by(dmaOut(name, SCRATCH + ACROSS.length * place++, ACROSS.length)));
    }
  }
  world.release();
  return ops;
}
