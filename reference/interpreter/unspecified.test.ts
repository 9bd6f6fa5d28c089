import { expect, test } from 'vitest';
import { UserMemory } from '../memory/user-memory.ts';
import { newProcess } from '../state/state.ts';
import { adopt, outside } from './unspecified.ts';

const process = newProcess('main', new UserMemory());
process.memory.map({ op: 'mmap', as: 'out', length: 4096 }, false);
const region = process.memory.regions.get('out')!;
const range = (at: number, length: number) => ({ process, region, at, length });
const run = (at: number, bytes: string, memory = 'out') => ({ memory, at, bytes });

test('a run of changes is cut where bytes are not specified', () => {
  expect(outside([range(2, 2), range(5, 1)], [run(0, '000102030405')])).toEqual([run(0, '0001'), run(4, '04')]);
});

test('changes before, behind, in other memory and in another process stay', () => {
  const child = { process: 'child', ...run(4, 'aabb') };
  const changes = [run(0, '00010203'), child, run(6, '06'), run(4, '0405', 'other')];
  expect(outside([range(4, 2)], changes)).toEqual(changes);
});

test('what bytes turned out to be is taken over, be they changed or not', () => {
  let learned = '';
  const learn = (bytes: Uint8Array) => {
    learned = Buffer.from(bytes).toString('hex');
  };
  adopt({ unspecified: [{ ...range(8, 4), learn }], output: { kind: 'none' } }, [run(6, 'a6a7a8a9')]);
  expect(learned).toBe('a8a9ffff');
  const bytes = new Uint8Array(6);
  process.memory.read(region.base + 6n, bytes, 0, 6);
  expect(Buffer.from(bytes).toString('hex')).toBe('ffffa8a9ffff');
});
