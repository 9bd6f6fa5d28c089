import { describe, expect, test } from 'vitest';
import {
  access,
  invalidateVaddr,
  map,
  openContainer,
  openGroup,
  unmap,
  unmapAll,
  updateVaddr,
} from '../../conformance/programs/build.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { runOnModel } from '../model-target.ts';
import { compileContract } from './contract.ts';
import type { Defect } from './defect.ts';

import {
  compiled,
  data,
  environment,
  ioctlOn,
  outcomes,
  program,
  ready,
  reported,
  setting,
  shorts,
} from './test-compiled.ts';

describe('ioctl numbers', () => {
  const contract = compileContract(data, setting);
  const call = (number: number | string): Op => ({ op: 'ioctl', fd: 'c', number, argument: { value: 0 } });

  test('are taken as 32 bits', () => {
    expect(shorts(contract, ready, [call(0x3b64), call('0xffffffff00003b64'), call('0x80003b64')])).toEqual([
      0,
      0,
      'ENOTTY',
    ]);
  });

  test('that nobody knows are answered by kind of descriptor', () => {
    const before = [openContainer('c'), openGroup('g', 'g')];
    const group: Op = { op: 'ioctl', fd: 'g', number: 0x3bff, argument: { value: 0 } };
    expect(shorts(contract, before, [call(0x3bff), group])).toEqual(['EINVAL', 'ENOTTY']);
  });

  test('of which the contract does not speak end the program on the model', () => {
    // FIOASYNC.
    const result = runOnModel(contract, environment, program([...ready, call(0x5452)]));
    expect(result.end).toBe('unsupported');
    expect(result.outcomes).toHaveLength(ready.length);
    expect(result.detail).toMatch(/does not say what happens/);
  });
});

describe('a defect', () => {
  const defective = (rule: string, kind: Defect['kind']) => compileContract(data, setting, { rule, kind });
  const good = compileContract(data, setting);
  const overlap = [map('c', 0x1000, 'ram', 0, 2), map('c', 0x2000, 'ram', 0, 1)];

  test.each<[rule: string, kind: Defect['kind'], ops: Op[], right: unknown[], wrong: unknown[]]>([
    ['map_dma_overlaps', 'outcome', overlap, [0, 'EEXIST'], [0, 'EINVAL']],
    ['map_dma_overlaps', 'removed', overlap, [0, 'EEXIST'], [0, 0]],
    ['map_dma_argsz_too_small', 'outcome', [ioctlOn('ram', 0, '1f')], ['EINVAL'], ['ENOSPC']],
    ['map_dma_returns_zero', 'outcome', overlap.slice(0, 1), [0], [1]],
    ['map_dma_creates_mapping', 'removed', overlap, [0, 'EEXIST'], [0, 0]],
    ['map_dma_reads_argument', 'outcome', [ioctlOn('arg', 4090, '')], ['EFAULT'], ['EINVAL']],
    ['open_group_opens', 'outcome', [openGroup('g', 'again')], ['EBUSY'], ['EBUSY']],
    ['open_group_already_open', 'outcome', [openGroup('g', 'again')], ['EBUSY'], ['EINVAL']],
    ['open_container_returns_descriptor', 'outcome', [openContainer('k')], ['k'], ['EINVAL']],
    ['map_dma_no_flag', 'outcome', overlap, [0, 'EEXIST'], [0, 'EEXIST']],
  ])('of %s (%s) shows where the rule is used, and nowhere else', (rule, kind, ops, right, wrong) => {
    expect(shorts(good, ready, ops)).toEqual(right);
    expect(shorts(defective(rule, kind), ready, ops)).toEqual(wrong);
  });

  test('that takes an effect away leaves the result as it was', () => {
    const ops = [map('c', 0x1000, 'ram', 0, 2), unmapAll('c')];
    expect(reported(good, ready, ops)).toEqual([0, 2]);
    expect(reported(defective('map_dma_creates_mapping', 'removed'), ready, ops)).toEqual([0, 0]);
    expect(shorts(defective('map_dma_creates_mapping', 'removed'), ready, ops)).toEqual([0, 0]);
  });

  test('that takes a write away leaves memory as it was', () => {
    const ops = [map('c', 0x1000, 'ram', 0, 2), unmapAll('c')];
    expect(outcomes(defective('unmap_dma_writes_argument', 'removed'), ready, ops)[1]).toEqual({ value: 0 });
  });

  test('that takes a case away lets the next one apply', () => {
    const before = [...ready, map('c', 0x1000, 'ram', 0, 2)];
    const ops = [invalidateVaddr('c', 0x1000, 2), unmap('c', 0x1000, 2)];
    expect(reported(good, before, ops)).toEqual([2, 2]);
    expect(reported(defective('unmap_dma_invalidates_vaddr', 'removed'), before, ops)).toEqual([2, 0]);
  });

  test('that leaves later steps nothing to work on allows no outcome at all', () => {
    const removed = defective('map_dma_vaddr_update_without_mapping', 'removed');
    const result = runOnModel(removed, environment, program([...ready, updateVaddr('c', 0x1000, 'ram', 0, 1)]));
    expect(result.end).toBe('unsupported');
  });

  test('does not change which rules there are', () => {
    expect([...defective('map_dma_overlaps', 'removed').rules].sort()).toEqual([...good.rules].sort());
  });
});

test('the rules of a contract are those of the selected steps, conditions to read included', () => {
  const contract = compileContract(data, setting);
  expect(contract.rules.has('unmap_dma_asks_for_dirty_bitmap')).toBe(true);
  expect(contract.rules.has('set_container_fd_is_not_a_container_ebadfd')).toBe(true);
  expect(contract.rules.has('set_container_fd_is_not_a_container_einval')).toBe(false);
  for (const rule of contract.rules) expect(data.rules.has(rule), rule).toBe(true);
});

test('access flags of a mapping decide which of its pages must be writable', () => {
  const contract = compileContract(data, setting);
  const before: Op[] = [...ready, { op: 'protect', memory: 'ram', at: 0, length: 0x1000, protection: 'read' }];
  const ops = [
    map('c', 0x1000, 'ram', 0, 1, access.write),
    map('c', 0x1000, 'ram', 0, 1, access.both),
    map('c', 0x1000, 'ram', 0, 1, access.read),
  ];
  expect(shorts(contract, before, ops)).toEqual(['EFAULT', 'EFAULT', 0]);
});

test('what an op did not read of its argument is zeros, not what the op before it left there', () => {
  const contract = compiled('map_dma', [
    { kind: 'refuse', rule: 'map_dma_no_flag' },
    { kind: 'return', rule: 'map_dma_returns_zero' },
  ]);
  const ops = [unmap('c', 0x1000, 1, 7), map('c', 0x1000, 'ram', 0, 1)];
  expect(shorts(contract, ready, ops)).toEqual(['EINVAL', 'EINVAL']);
});
