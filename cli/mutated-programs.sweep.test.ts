// Programs of the suites with small changes, which nobody thought of: what the simulator does with them is what the contract says.
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { assignSlots, mergeNeeds, programsOf } from '../conformance/suites/suite.ts';
import { suites } from '../conformance/suites/suites.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { describeExpectation, describeOutcome } from '../reference/interpreter/outcome.ts';
import { judge } from '../reference/judge.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ProgramResult } from '../spec/uapi/adapter.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';

/** By which profiles, how many programs (one of `step`), and with which changes. */
const { profiles, step, seed } = {
  part: { profiles: ['v1-singleton'], step: 25, seed: 25 },
  whole: { profiles: ['v1-singleton', 'type1-6.12', 'v1'], step: 1, seed: 20261201 },
}[inject('sweep')];

const data = loadContract();

/** What changes: where (as part of the whole), what, and by how much. */
interface Mutation {
  at: number;
  other: number;
  kind: 'remove' | 'repeat' | 'swap' | 'rename' | 'number' | 'byte' | 'fault';
  by: number;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(9_999),
  other: fc.nat(9_999),
  kind: fc.constantFrom<Mutation['kind'][]>('remove', 'repeat', 'swap', 'rename', 'number', 'byte', 'fault'),
  by: fc.nat(11),
});

const names = ['fd', 'group', 'device', 'memory', 'as'] as const;
const numbers = ['at', 'length', 'offset', 'number'] as const;
const bytes = ['00', 'ff', '01', '08'];
const faults = ['allocation', 'copy', 'driver'] as const;

/** Ops with one change. */
function mutated(before: readonly Op[], { at, other, kind, by }: Mutation): Op[] {
  const ops = structuredClone(before) as (Op & Record<string, unknown>)[];
  const [one, two] = [at % ops.length, other % ops.length];
  const op = ops[one]!;
  switch (kind) {
    case 'remove':
      if (ops.length > 1) ops.splice(one, 1);
      break;
    case 'repeat':
      ops.splice(two, 0, structuredClone(op));
      break;
    case 'swap':
      ops[one] = ops[two]!;
      ops[two] = op;
      break;
    case 'rename':
      for (const key of names)
        if (typeof op[key] === 'string' && typeof ops[two]![key] === 'string')
          Object.assign(op, { [key]: ops[two]![key] });
      break;
    case 'number':
      // Memories keep their lengths, which are whole pages.
      if (op.op === 'mmap') break;
      for (const key of numbers) {
        const now = op[key];
        if (typeof now === 'number')
          Object.assign(op, { [key]: [0, 1, 4, 4096, now + 1, Math.max(0, now - 1)][by % 6] });
      }
      break;
    case 'byte': {
      const argument = op.op === 'ioctl' && 'memory' in op.argument ? op.argument : undefined;
      if (!argument?.bytes) break;
      const place = 2 * (other % (argument.bytes.length / 2));
      argument.bytes = `${argument.bytes.slice(0, place)}${bytes[by % 4]}${argument.bytes.slice(place + 2)}`;
      break;
    }
    case 'fault': {
      const { actor } = op;
      ops.splice(one, 0, { op: 'inject', fault: faults[by % 3]!, nth: 1 + (by % 4), ...(actor && { actor }) });
      break;
    }
    default:
      kind satisfies never;
  }
  return ops;
}

/** Whether a pointer goes beyond the page after its memory: what lies there is nobody's to say. */
function pointsAstray(ops: readonly Op[]): boolean {
  const lengths = new Map<string, number>();
  return ops.some((op) => {
    if (op.op === 'mmap') lengths.set(op.as, op.length);
    const relocations = op.op === 'ioctl' && 'memory' in op.argument ? (op.argument.relocations ?? []) : [];
    return relocations.some(({ ref, add = 0 }) => Number(add) > (lengths.get(ref) ?? Number.POSITIVE_INFINITY) + 4096);
  });
}

test.each(profiles)('mutated programs do what %s says', async (profile) => {
  const contract = compileContract(data, parameterSetting(data, profile));
  const changes = fc.sample(fc.array(mutation, { minLength: 1, maxLength: 3 }), { numRuns: 5_003, seed });
  let count = 0;
  const found = { conforms: 0, undefined: 0, malformed: 0 };
  const disagreements: unknown[] = [];
  for (const need of mergeNeeds(suites.flatMap((suite) => suite.needs()))) {
    const session = await simulatorAdapter(contract.parameters).start(need);
    const { environment } = session.description;
    for (const original of suites.flatMap((suite) => [...programsOf(suite, contract, environment)])) {
      const slots = assignSlots(original.topology.slots, environment);
      if (slots === undefined || count++ % step !== 0) continue;
      const ops = changes[count % changes.length]!.reduce<Op[]>(mutated, original.ops);
      if (pointsAstray(ops)) continue;
      const program: Program = { ...original, ops };
      const { outcomes } = session.run(program, slots) as ProgramResult;
      const judged = judge(contract, environment, { program, outcomes });
      if (judged.kind !== 'violates') found[judged.kind]++;
      else if (disagreements.length < 5) {
        const { op, expectation, actual } = judged.violation;
        disagreements.push({
          program: original.id,
          ops: ops.slice(0, op + 1),
          expected: describeExpectation(expectation, ops[op]!),
          actual: actual && describeOutcome(actual),
        });
      }
    }
  }
  expect(disagreements).toEqual([]);
  expect(found.conforms).toBeGreaterThan(found.undefined + found.malformed);
});
