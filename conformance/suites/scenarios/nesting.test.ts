import { describe, expect, test } from 'vitest';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { MemoryArgument } from '../../../spec/uapi/vocabulary.ts';
import { checkedProgram } from '../../running/token.ts';
import { nestingScenarios } from './nesting.ts';
import { toProgram } from './scenario.ts';

/** What a test can see of the series as posted: the loop, the rollback, arguments, UNBIND, PASIDs, information, invalidation. */
const observable = {
  l: [1, 2, 3, 4, 5, 6, 7, 8],
  b: [1, 2, 3, 4, 5],
  // A race, and an allocation of a size that nobody knows, cannot be made to happen.
  v: [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14],
  u: [2, 3, 4, 5],
  p: [1, 2, 3, 4, 5, 6, 7],
  g: [1, 2],
  c: [1, 2, 3, 4],
};

describe.each(['version_first', 'argsz_first'] as const)('with the data %s', (layout) => {
  const programs = nestingScenarios(layout).map(toProgram);

  test('every program fits the schema of programs and has a name of its own', () => {
    for (const program of programs) checkedProgram(program, program.id);
    expect(new Set(programs.map(({ id }) => id)).size).toBe(programs.length);
  });

  test('every finding that can be seen has a program', () => {
    const names = programs.flatMap(({ id }) => id.split('/').at(-1)!.split('_'));
    for (const [letter, numbers] of Object.entries(observable))
      for (const number of numbers) expect(names).toContain(`${letter}${number}`);
  });

  test('whole arguments of BIND have the layout', () => {
    const { number, struct, argszFirst } = uapi.ioctls.VFIO_IOMMU_BIND!;
    const { size, fields } = uapi.structs[layout === 'argsz_first' ? argszFirst! : struct!]!;
    const version = fields.find(({ name }) => name === 'version')!;
    const versions = programs
      .flatMap(({ ops }) => ops)
      .flatMap((op) => (op.op === 'ioctl' && op.number === number ? [(op.argument as MemoryArgument).bytes!] : []))
      .filter((bytes) => bytes.length === 2 * size)
      .map((bytes) => Buffer.from(bytes, 'hex').readUInt32LE(version.at));
    expect(versions.length).toBeGreaterThan(400);
    expect([...new Set(versions)].sort((a, b) => a - b)).toEqual([1, 2, 0x7fffffff]);
  });
});
