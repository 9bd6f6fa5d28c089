import { expect, test } from 'vitest';
import type { IoctlOp, MemoryArgument } from '../../spec/uapi/vocabulary.ts';
import {
  allocPasid,
  bindTable,
  cutOff,
  freePasid,
  invalidate,
  layoutOf,
  taggedIn,
  unbindTable,
} from './nesting-ops.ts';

/** The bytes of an argument, and numbers in it. */
function argument(op: IoctlOp) {
  const { at, bytes, relocations } = op.argument as MemoryArgument;
  const data = Buffer.from(bytes!, 'hex');
  return {
    at,
    data,
    relocations,
    u32: (from: number) => data.readUInt32LE(from),
    u64: (from: number) => data.readBigUInt64LE(from),
  };
}

test('PASID_REQUEST', () => {
  const alloc = allocPasid('c', 'p', 3, 9);
  expect(alloc).toMatchObject({ number: 0x3b7a, save: [{ name: 'p', at: 16, width: 4 }] });
  expect([0, 4, 8, 12, 16].map(argument(alloc).u32)).toEqual([20, 1, 3, 9, 0]);
  expect([0, 4, 8].map(argument(freePasid('c', 7)).u32)).toEqual([20, 2, 7]);
  expect(argument(freePasid('c', { ref: 'p' })).relocations).toEqual([{ at: 8, width: 4, ref: 'p' }]);
});

test('BIND with the version first', () => {
  const { data, u32, u64 } = argument(bindTable('c', { pasid: 5, root: 0x1000, levels: 5, pat: 6 }));
  expect(data).toHaveLength(80);
  expect([0, 4, 8, 12, 48, 72].map(u32)).toEqual([80, 1, 1, 1, 57, 6]);
  expect([16, 24, 32, 40].map(u64)).toEqual([0n, 0x1000n, 5n, 0n]);
});

test('BIND with its size first', () => {
  const { data, u32, u64 } = argument(bindTable('c', { pasid: 5, root: 0x1000 }, 'argsz_first'));
  expect(data).toHaveLength(80);
  expect([0, 4, 8, 12, 16, 20].map(u32)).toEqual([80, 1, 72, 1, 1, 48]);
  expect([24, 32, 40, 48].map(u64)).toEqual([0n, 0x1000n, 5n, 0n]);
});

test('UNBIND names a PASID that was saved', () => {
  const { u32, relocations } = argument(unbindTable('c', { ref: 'p' }));
  expect(u32(4)).toBe(2);
  expect(relocations).toEqual([{ at: 32, width: 8, ref: 'p' }]);
});

test('CACHE_INVALIDATE of a PASID, of addresses, and of a domain', () => {
  const whole = argument(invalidate('c', { pasid: 5 }));
  expect([0, 4, 8, 16].map(whole.u32)).toEqual([56, 0, 1, 1]);
  expect([...whole.data.subarray(12, 14)]).toEqual([1, 1]);
  const part = argument(invalidate('c', { pasid: 5, addr: 0x2000, pages: 4, leaf: true }, 'argsz_first'));
  expect([0, 8, 12, 24].map(part.u32)).toEqual([64, 56, 1, 5]);
  expect([...part.data.subarray(16, 18)]).toEqual([1, 2]);
  expect([32, 40, 48, 56].map(part.u64)).toEqual([5n, 0x2000n, 4096n, 4n]);
  const domain = argument(invalidate('c', { cache: 2, granularity: 0 }));
  expect([...domain.data.subarray(12, 17)]).toEqual([2, 0, 0, 0, 0]);
});

test('an argument that is cut off ends with the page', () => {
  const { at, data, relocations } = argument(cutOff(unbindTable('c', { ref: 'p' }), 36));
  expect([at, data.length, relocations]).toEqual([4096 - 36, 36, undefined]);
});

test('a transfer takes a PASID by number or by name', () => {
  expect(taggedIn('d', 5, 1n << 40n, 8)).toMatchObject({ pasid: 5, iova: '0x10000000000', direction: 'from-memory' });
  expect(taggedIn('d', { ref: 'p', add: 1 }, 0, 8)).toMatchObject({ pasid: { ref: 'p', add: 1 } });
});

test('only the driver of Linux 5.10 takes its size first', () => {
  expect(layoutOf({ driver: 'v5.10' })).toBe('argsz_first');
  expect(layoutOf({ driver: 'v5.9' })).toBe('version_first');
});
