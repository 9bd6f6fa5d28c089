import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

test.each<[title: string, what: string, first: string, others: string[]]>([
  ['one letter left out', 'EINVL', 'EINVAL', ['EIO', 'EFAULT']],
  ['two letters swapped', 'MAP_DAM', 'MAP_DMA', ['UNMAP_DMA']],
  ['words in another order', 'map_dma_zero_size', 'map_dma_size_zero', ['map_dma_overlaps']],
  ['a word left out', 'bind_of_unalocated', 'driver_bind_of_unallocated', ['driver_bind_increments_users']],
  ['other case and separators', 'V1_Singleton', 'v1-singleton', ['v1-fixed']],
  ['one letter too many', 'L11', 'L1', ['I11', 'L2']],
])('a name with %s is the nearest', (_, what, first, others) => {
  expect(nearest(what, [...others, first])[0]).toBe(first);
});

test('at most three names are shown, each once', () => {
  const names = ['read_1', 'READ_1', 'read_2', 'read_3', 'read_4', 'read_5'];
  expect(new Set(nearest('read_x', names)).size).toBe(3);
  expect(nearest('read_1', ['read_1', 'READ_1', 'read-1'])).toHaveLength(1);
});

test('what is like nothing gets no name', () => {
  expect(nearest('xyzzy', ['EINVAL', 'map_dma', 'L1', 'v1-singleton'])).toEqual([]);
  expect(nearest('', ['L1'])).toEqual([]);
});
