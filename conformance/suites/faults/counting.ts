import { type Chooser, firstChoice } from '../../../reference/call/chooser.ts';
import type { Contract } from '../../../reference/interpreter/contract.ts';
import { execute } from '../../../reference/interpreter/execute.ts';
import { membersOf, type World } from '../../../reference/state/state.ts';
import type { Environment, Op } from '../../../spec/uapi/vocabulary.ts';
import { worldAfter } from '../../programs/rehearsal.ts';
import type { Operation } from './operation.ts';

/** How many copies an operation makes, and how many devices the calls of a driver are made for. */
export interface Chances {
  copies: number;
  devices: number;
}

/** What can fail within an operation; undefined if the contract does not let its surroundings come about. */
export function chancesOf(
  contract: Contract,
  environment: Environment,
  { slots, op }: Operation,
  before: readonly Op[],
): Chances | undefined {
  const world = worldAfter(contract, environment, slots, before);
  if (!world) return undefined;
  const devices = devicesIn(world);
  // Of each copy the model asks whether it is the one that was told to fail.
  let copies = 0;
  const counting: Chooser = {
    choose: () => {
      copies++;
      return 0;
    },
  };
  execute(contract, world, { op: 'inject', fault: 'copy', nth: 1 }, 0, firstChoice);
  execute(contract, world, op, 0, counting);
  world.release();
  return { copies, devices };
}

/** Devices in domains of the container `c`. */
function devicesIn({ processes }: World): number {
  const { names, descriptors } = processes.get('main')!;
  const object = descriptors.get(names.get('c') ?? -1)?.object;
  const domains = (object?.kind === 'container' && object.backend?.domains) || [];
  return domains.flatMap(({ groups }) => groups.flatMap(membersOf)).length;
}
