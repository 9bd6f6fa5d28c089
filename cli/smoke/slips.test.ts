// Adapters with one slip each: the simulator behind something that changes what it is asked, or what it answers.
import { expect, test } from 'vitest';
import { simulatorAdapter } from '../../adapters/simulator/adapter.ts';
import type { Description, ProgramResult, Session } from '../../spec/uapi/adapter.ts';
import type { Op, Outcome, Program } from '../../spec/uapi/vocabulary.ts';
import { smoke, smokeSentence } from './smoke.ts';

/** What is asked in place of a program: ops, and for each op of the program which of theirs answers for it. */
type Rewrite = (ops: readonly Op[]) => Op[];

interface Slip {
  description?(description: Description): Description;
  ops?: Rewrite;
  result?(result: ProgramResult, program: Program): ProgramResult;
  /** What an earlier program leaves to a later one, as ops that go before it. */
  leaves?(program: Program): Op[];
}

async function withSlip({ description, ops, result, leaves }: Slip): Promise<Session> {
  const session = await simulatorAdapter().start({ machine: {}, slots: [] });
  let left: Op[] = [];
  return {
    description: description?.(session.description) ?? session.description,
    window: 1,
    stop: () => session.stop(),
    async run(program) {
      const before = left;
      const asked = ops?.(program.ops) ?? [...program.ops];
      const whole = await session.run({ ...program, ops: [...before, ...asked] }, {});
      const own = { ...whole, outcomes: whole.outcomes.slice(before.length) };
      left = leaves?.({ ...program, ops: program.ops.slice(0, own.outcomes.length) }) ?? [];
      return result?.(own, program) ?? own;
    },
  };
}

const eachOp =
  (change: (op: Op) => Op): Rewrite =>
  (ops) =>
    ops.map(change);

const eachOutcome =
  (change: (outcome: Outcome, op: Op, index: number, program: Program) => Outcome): Slip['result'] =>
  (result, program) => ({
    ...result,
    outcomes: result.outcomes.map((outcome, index) => change(outcome, program.ops[index]!, index, program)),
  });

/** The length of the memory that a name stood for. */
const lengthOf = ({ ops }: Program, name: string): number =>
  ops.flatMap((op) => (op.op === 'mmap' && op.as === name ? [op.length] : []))[0] ?? 0;

const own = (op: Op): boolean => op.op !== 'fork' && op.op !== 'exit' && op.op !== 'rlimit' && op.actor === undefined;

const unsupported = (result: ProgramResult, at: number, detail: string): ProgramResult => ({
  end: 'unsupported',
  outcomes: result.outcomes.slice(0, at),
  detail,
});

const slips: [what: string, step: string, slip: Slip, says?: RegExp][] = [
  [
    'lists an op that there is not',
    'describe',
    { description: (one) => ({ ...one, ops: [...one.ops, 'peak'] }) },
    /has to be one of the table of ops, like peek, and is peak/,
  ],
  [
    'describes half of config space',
    'describe',
    {
      description: (one) => {
        const { device } = one.environment;
        const config = device.config.slice(0, 128);
        return { ...one, environment: { ...one.environment, device: { ...device, config } } };
      },
    },
    /config has to be 256 bytes, and is 64/,
  ],
  [
    'writes errnos as numbers',
    'names',
    { result: eachOutcome((one) => (one.errno === 'EBADF' ? { errno: '9' } : one)) },
    /op 0, close fd=none has to give EBADF, and gave 9 \(docs\/protocol.md, "Values"\)/,
  ],
  [
    'writes small values as strings',
    'names',
    { result: eachOutcome((one) => (one.value === 0 ? { ...one, value: '0x0' } : one)) },
    /has to give 0, and gave the string "0x0"/,
  ],
  [
    'gives descriptors by their numbers',
    'names',
    {
      result: eachOutcome((one) => {
        const { fd, ...rest } = one;
        return fd === undefined ? one : { ...rest, value: 3 };
      }),
    },
    /has to give the descriptor a, and gave 3/,
  ],
  [
    'refuses names that stand for no descriptor',
    'names',
    {
      result(result) {
        const at = result.outcomes.findIndex(({ errno }) => errno === 'EBADF');
        return at < 0 ? result : unsupported(result, at, 'no such descriptor');
      },
    },
    /has to give EBADF, and gave the end unsupported \(no such descriptor\)/,
  ],
  [
    'lets an op that fails take the name',
    'names',
    {
      ops: (ops) =>
        ops.flatMap((op) => (op.op === 'dup' && op.fd === 'none' ? [op, { op: 'close', fd: op.as }] : [op])),
      result(result, { ops }) {
        const at = ops.findIndex((op) => op.op === 'dup' && op.fd === 'none');
        return at < 0 ? result : { ...result, outcomes: result.outcomes.filter((_, index) => index !== at + 1) };
      },
    },
  ],
  [
    'opens close-on-exec',
    'names',
    { result: eachOutcome((one, op) => (op.op === 'close_on_exec' ? { value: 1 } : one)) },
  ],
  ['does not fill memory', 'memory', { ops: eachOp((op) => (op.op === 'mmap' ? { ...op, fill: 'untouched' } : op)) }],
  ['stores one byte too far', 'memory', { ops: eachOp((op) => (op.op === 'poke' ? { ...op, at: op.at + 1 } : op)) }],
  [
    'discards nothing',
    'memory',
    { ops: eachOp((op) => (op.op === 'discard' ? { op: 'poke', memory: op.memory, at: 0, bytes: '' } : op)) },
  ],
  [
    'rounds where a call on pages starts',
    'memory',
    { ops: eachOp((op) => (op.op === 'protect' ? { ...op, at: op.at - (op.at % 4096) } : op)) },
  ],
  [
    'has no inaccessible page behind a memory',
    'guard pages',
    {
      result: eachOutcome((one, op, _, program) =>
        op.op === 'peek' && op.at + op.length > lengthOf(program, op.memory)
          ? { value: 0, bytes: '00'.repeat(op.length) }
          : one,
      ),
    },
    /op 2, peek memory=m at=4096 length=1 has to give EFAULT, and gave 0; bytes 00 \(docs\/protocol.md, "Memory"\)/,
  ],
  [
    'stores what fits of a poke that fails',
    'guard pages',
    {
      ops: eachOp((op) =>
        op.op === 'poke' && op.at === 4094 && op.bytes.length === 6 ? { ...op, bytes: op.bytes.slice(0, -2) } : op,
      ),
      result: eachOutcome((one, op) =>
        op.op === 'poke' && op.at === 4094 && op.bytes.length === 6 ? { errno: 'EFAULT' } : one,
      ),
    },
  ],
  [
    'checks the argument of an ioctl before the descriptor',
    'guard pages',
    {
      result: eachOutcome((one, op) =>
        op.op === 'ioctl' && 'at' in op.argument && op.argument.at === 4096 ? { errno: 'EFAULT' } : one,
      ),
    },
  ],
  [
    'forgets relocations',
    'relocations',
    {
      ops: eachOp((op) => {
        if (op.op !== 'poke') return op;
        const { relocations: _, ...rest } = op;
        return rest;
      }),
    },
    /has to give 0; bytes 111100000000000000001111, and gave 0; bytes 1{24} \(docs\/protocol.md, "What changed"\)/,
  ],
  [
    'relocates names that stand for nothing to 0',
    'relocations',
    {
      ops: eachOp((op) => {
        if (op.op !== 'poke' || op.relocations?.[0]?.ref !== 'none') return op;
        const { relocations, ...rest } = op;
        return { ...rest, bytes: '00'.repeat(relocations[0]!.width) };
      }),
    },
    /-1: op 3, pread .* has to give 2; m\[1..2\] becomes 0000, and gave 2/,
  ],
  [
    'adds nothing to a relocated value',
    'relocations',
    {
      ops: eachOp((op) =>
        op.op === 'poke' && op.relocations
          ? { ...op, relocations: op.relocations.map(({ add: _, ...rest }) => rest) }
          : op,
      ),
    },
  ],
  [
    'reports what the program stored',
    'changed bytes',
    {
      result: eachOutcome((one, op) =>
        op.op === 'poke' && one.errno === undefined && op.bytes !== ''
          ? { ...one, changed: [{ memory: op.memory, at: op.at, bytes: op.bytes }] }
          : one,
      ),
    },
    /no change: op 1, poke memory=m at=5 bytes=0102 has to give 0, and gave 0; m\[5..6\] becomes 0102/,
  ],
  [
    'reports a change with each op that follows',
    'changed bytes',
    {
      result(result) {
        const { changed } = result.outcomes.find((one) => one.changed) ?? {};
        const from = result.outcomes.findIndex((one) => one.changed);
        if (!changed) return result;
        return { ...result, outcomes: result.outcomes.map((one, at) => (at > from ? { changed, ...one } : one)) };
      },
    },
    /reported, and once: op 3, peek/,
  ],
  [
    'makes one run of two changes',
    'changed bytes',
    {
      result: eachOutcome((one) =>
        one.changed?.length === 2 ? { ...one, changed: [{ ...one.changed[0]!, bytes: '000000' }] } : one,
      ),
    },
  ],
  [
    'reports runs from the last to the first',
    'changed bytes',
    {
      result: eachOutcome((one) => (one.changed?.length === 2 ? { ...one, changed: [...one.changed].reverse() } : one)),
    },
  ],
  [
    'compares from zero what was never touched',
    'changed bytes',
    {
      result: eachOutcome((one, op, _, { ops }) =>
        op.op === 'poke' && ops.some((each) => each.op === 'mmap' && each.fill === 'untouched')
          ? { ...one, changed: [{ memory: op.memory, at: op.at, bytes: op.bytes }] }
          : one,
      ),
    },
  ],
  [
    'shares descriptors between processes',
    'processes',
    { ops: eachOp((op) => ('actor' in op && 'fd' in op && op.fd !== 'none' ? { ...op, actor: 'main' } : op)) },
    /copies of all names.*: op 3, x: close fd=a has to give 0, and gave EBADF/,
  ],
  [
    'shares private memory after fork',
    'processes',
    {
      ops: (ops) =>
        ops.some(({ op }) => op === 'fork')
          ? ops.map((op) => (op.op === 'mmap' ? { ...op, backing: 'shared' } : op))
          : [...ops],
    },
  ],
  [
    'reports changes of processes by their names',
    'processes',
    {
      result: eachOutcome((one) => {
        const [first, ...others] = one.changed ?? [];
        const byName = others.reverse();
        return first && others.some(({ process }) => process) ? { ...one, changed: [first, ...byName] } : one;
      }),
    },
    /order of their forks/,
  ],
  [
    'reports no change of the memory of other processes',
    'processes',
    {
      result: eachOutcome((one) =>
        one.changed ? { ...one, changed: one.changed.filter(({ process }) => process === undefined) } : one,
      ),
    },
  ],
  [
    'protects nothing',
    'faults',
    {
      ops: eachOp((op) => (op.op === 'protect' && op.at === 0 ? { ...op, protection: 'read-write' } : op)),
    },
    /never a signal: op 2, peek .* has to give EFAULT, and gave 0; bytes ff/,
  ],
  [
    'maps for reading only what can be written',
    'faults',
    { ops: eachOp((op) => (op.op === 'mmap' ? { ...op, protection: 'read-write' } : op)) },
  ],
  [
    'unmaps nothing a second time',
    'faults',
    {
      result: eachOutcome((one, op, index, { ops }) =>
        op.op === 'unmap' && ops.slice(0, index).some((before) => before.op === 'unmap') ? { errno: 'EINVAL' } : one,
      ),
    },
  ],
  [
    'goes on where a memory is not there',
    'ends',
    {
      result: (result, { ops }) =>
        result.end === 'unsupported' && ops.at(-1)!.op === 'peek'
          ? { end: 'completed', outcomes: [...result.outcomes, { errno: 'EFAULT' }] }
          : result,
    },
    /has to give the end unsupported, and gave EFAULT/,
  ],
  [
    'says nothing of why it could not go on',
    'ends',
    { result: ({ detail: _, ...rest }) => rest },
    /has to give a detail, one sentence for a person/,
  ],
  [
    'keeps names for the next program',
    'ends',
    { leaves: ({ ops }) => ops.filter((op) => own(op) && op.op === 'open') },
    /no names, whatever the one before it named: op 0, close fd=a has to give EBADF, and gave 0/,
  ],
  [
    'keeps memory for the next program',
    'ends',
    { leaves: ({ ops }) => ops.filter((op) => own(op) && op.op === 'mmap') },
  ],
  [
    'ends no process with its program',
    'ends',
    {
      leaves: ({ ops }) =>
        ops.some(({ op }) => op === 'exit') ? [] : ops.filter((op) => op.op === 'fork').slice(0, 1),
    },
    /the only process/,
  ],
  [
    'closes nothing at the end of a program',
    'ends',
    {
      leaves: ({ ops }) =>
        ops.flatMap((op, index) => (op.op === 'open' && own(op) ? [{ ...op, as: `left${index}` } as Op] : [])),
    },
    /no open descriptor but 0, 1 and 2: op 1, open .* has to give the descriptor z, and gave EMFILE/,
  ],
];

test('the simulator has none of the slips', async () => {
  const steps = [];
  for await (const step of smoke(await withSlip({}))) steps.push(step);
  expect(steps.map(({ step, verdict, leftOut }) => [step, verdict, leftOut])).toEqual(
    ['describe', 'names', 'memory', 'guard pages', 'relocations', 'changed bytes', 'processes', 'faults', 'ends'].map(
      (step) => [step, 'passed', []],
    ),
  );
});

test.each(slips)('an adapter that %s is told so by the step %s', async (_, step, slip, says = /./) => {
  const failed = [];
  for await (const one of smoke(await withSlip(slip))) if (one.verdict === 'failed') failed.push(one);
  expect(failed.map((one) => one.step)).toEqual([step]);
  expect(smokeSentence(failed[0]!.failures[0]!)).toMatch(says);
});
