import type { Contract } from '../../../reference/interpreter/contract.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Environment, InjectOp, Op, Program } from '../../../spec/uapi/vocabulary.ts';
import { memory } from '../../programs/build.ts';
import { layoutOf } from '../../programs/nesting-ops.ts';
import { Rehearsal } from '../../programs/rehearsal.ts';
import { mergeNeeds, type Suite, sameMachine, topologyOf } from '../suite.ts';
import { chancesOf } from './counting.ts';
import { nestingOperations } from './nesting-operations.ts';
import type { Operation } from './operation.ts';
import { plainOperations } from './plain-operations.ts';

const operationsOf = ({ parameters }: Pick<Contract, 'parameters'>): Operation[] => [
  ...plainOperations,
  ...(parameters.bind === 'absent' ? [] : nestingOperations(layoutOf(parameters))),
];

/** What happens when something fails within an operation: its first allocation, its second, ..., a copy, a call of the driver. */
export const faults: Suite = {
  name: 'faults',
  about: 'Each allocation, copy and driver call of each operation fails, and nothing must be left behind.',
  needs: () =>
    mergeNeeds(
      [...plainOperations, ...nestingOperations('version_first')].map(({ machine = {}, slots }) => ({
        machine,
        slots: Object.values(slots),
      })),
    ),
  *units(contract, environment) {
    for (const operation of operationsOf(contract)) {
      if (!sameMachine(operation.machine ?? {}, environment.machine)) continue;
      yield {
        id: `faults/${operation.id}`,
        ops: [letFail, operation.op, ...operation.after],
        programs: () => ofOperation(contract, environment, operation),
      };
    }
  },
};

/** What every program of the suite is about as well. */
const letFail: InjectOp = { op: 'inject', fault: 'allocation', nth: 1 };

/** Allocations that are made to fail, one after the other: more than any of the operations needs. */
const ALLOCATIONS = 24;
/** Copies and calls that are made to fail at most. */
const MOST = 12;
/** What calls of the driver return, each something else, so that the errno shows whose it is. */
const errnos = ['EIO', 'ENXIO', 'ENODEV', 'EPERM'];

function* ofOperation(contract: Contract, environment: Environment, operation: Operation): Iterable<Program> {
  const { id, slots, before, op, after, allocations = ALLOCATIONS } = operation;
  const setUp: Op[] = [memory('arg', 1), ...before];
  const chances = chancesOf(contract, environment, operation, setUp);
  if (!chances) return;
  for (const faults of [
    ...upTo(allocations).map((nth) => [{ fault: 'allocation', nth } as const]),
    ...upTo(Math.min(chances.copies + 1, MOST)).map((nth) => [{ fault: 'copy', nth } as const]),
    ...refusals(asksDriver(op) ? chances.devices : 0),
  ]) {
    const injected = faults.map((fault): InjectOp => ({ op: 'inject', ...fault }));
    const rehearsal = new Rehearsal(contract, environment, slots);
    for (const one of [...setUp, ...injected]) rehearsal.perform(one);
    if (rehearsal.perform(op) === 'left out') continue;
    for (const one of after) if (rehearsal.possible(one)) rehearsal.perform(one);
    rehearsal.world.release();
    yield {
      id: `faults/${id}/${faults[0]!.fault}_${faults.map(({ nth }) => nth).join('_')}`,
      about: 'An operation in which something fails leaves behind what the contract says.',
      topology: topologyOf(operation),
      ops: rehearsal.ops,
    };
  }
}

/** Whether an operation can make calls of the driver that count: those of the 2020 nesting series can. */
const asksDriver = (op: Op): boolean =>
  op.op === 'ioctl' && Object.values(uapi.ioctls).some(({ number, feature }) => feature && number === op.number);

const upTo = (most: number): number[] => Array.from({ length: most }, (_, i) => i + 1);

type Refusal = Pick<InjectOp, 'fault' | 'nth' | 'errno'>;

/** One call that is refused, up to the first that is not made; and two, of which the second may be one that undoes. */
function refusals(devices: number): Refusal[][] {
  const refusal = (nth: number): Refusal => ({ fault: 'driver', nth, errno: errnos[(nth - 1) % errnos.length]! });
  const firsts = upTo(Math.min(devices + 1, MOST));
  const pairs = firsts
    .slice(0, devices)
    .flatMap((first) => upTo(devices + 1).map((further) => [refusal(first), refusal(first + further)]));
  return [...firsts.map((nth) => [refusal(nth)]), ...pairs];
}
