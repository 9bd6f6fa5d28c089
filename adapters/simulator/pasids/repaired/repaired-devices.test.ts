import { describe, expect, it } from 'vitest';
import { close, resultsOf } from '../../test-programs.ts';
import {
  alloc,
  behind,
  bind,
  boundOn,
  container,
  inject,
  invalidate,
  join,
  ONE,
  repaired,
  unbind,
} from '../test-requests.ts';

/** All devices of a container are bound by one BIND. */
const SEVERAL = { singleton_scope: 'none', pasid_exposure: 'always', second_member_at_attach: 'never' };

describe('BIND of several devices', () => {
  const slots = [behind(0), behind(1), { ...ONE, devices: 2, iommu: 1 }];
  const stage = repaired(SEVERAL, slots);
  const devices: [string, number][] = [
    ['g0', 0],
    ['g1', 0],
    ['g2', 0],
    ['g2', 1],
  ];
  const setup = [...container(3), alloc()];

  it('binds all', async () => {
    expect(await boundOn([...setup, bind()], devices, stage)).toEqual([true, true, true, true]);
    expect(await boundOn([...setup, bind(), unbind()], devices, stage)).toEqual([false, false, false, false]);
  });

  it.each([1, 2, 3, 4])('undoes all when device %i refuses', async (nth) => {
    const ops = [...setup, inject(nth, 'ENOSPC'), bind()];
    expect((await resultsOf([], ops, stage)).at(-1)).toBe('ENOSPC');
    expect(await boundOn(ops, devices, stage)).toEqual([false, false, false, false]);
  });

  it('undoes all whatever the driver says to that', async () => {
    const ops = [...setup, inject(4), inject(5), bind()];
    expect(await boundOn(ops, devices, stage)).toEqual([false, false, false, false]);
  });

  it('is none if one is bound already', async () => {
    const ops = [...container(2), alloc(), bind(), ...join('g2'), bind()];
    expect((await resultsOf([], ops, stage)).at(-1)).toBe('EBUSY');
    expect(await boundOn(ops, devices, stage)).toEqual([true, true, false, false]);
  });

  it('UNBIND visits every device and never fails', async () => {
    const ops = [...setup, bind(), inject(1, 'EPERM'), inject(3, 'ENOSPC'), unbind()];
    expect((await resultsOf([], ops, stage)).at(-1)).toBe(0);
    expect(await boundOn(ops, devices, stage)).toEqual([false, false, false, false]);
    const joined = [...container(2), alloc(), bind(), ...join('g2'), unbind()];
    expect((await resultsOf([], joined, stage)).at(-1)).toBe(0);
    expect(await boundOn(joined, devices, stage)).toEqual([false, false, false, false]);
  });

  it('CACHE_INVALIDATE visits every device and gives the first error', async () => {
    const ops = [inject(1, 'EPERM'), inject(4, 'ENOSPC'), invalidate(), inject(5), invalidate()];
    expect(await resultsOf([...setup, bind()], ops, stage)).toEqual([0, 0, 'EPERM', 0, 0]);
  });

  it('ends for a group that leaves, and does not begin when it comes back', async () => {
    const ops = [...setup, bind(), close('g2'), ...join('g2')];
    expect(await boundOn(ops, devices, stage)).toEqual([true, true, false, false]);
    expect((await resultsOf([], [...ops, unbind(), bind()], stage)).slice(-2)).toEqual([0, 0]);
    const away = [...setup, bind(), close('g2'), unbind(), ...join('g2'), bind()];
    expect((await resultsOf([], away, stage)).at(-1)).toBe(0);
  });
});

it('a driver of 2020 under repaired requests refuses what it always did', async () => {
  const pair = [{ devices: 2, viable: true }];
  const setup = [...container(), alloc()];
  const devices: [string, number][] = [
    ['g0', 0],
    ['g0', 1],
  ];
  const stage = repaired({ ...SEVERAL, driver: 'v10' }, pair);
  expect(await resultsOf(setup, [bind()], stage)).toEqual(['EINVAL']);
  expect(await boundOn([...setup, bind()], devices, stage)).toEqual([false, false]);
  const unbound = repaired({ driver: 'v5.8' });
  const joined = [...setup, bind(), ...join('g1'), unbind()];
  expect((await resultsOf([], joined, repaired({ ...SEVERAL, driver: 'v5.8' }, [ONE, ONE]))).at(-1)).toBe(0);
  expect(await resultsOf([...setup, bind()], [bind(), unbind()], repaired({ driver: 'v11' }))).toEqual(['EBUSY', 0]);
  expect(await resultsOf(setup, [unbind(), invalidate(), bind({ hpasid: 2 })], unbound)).toEqual([0, 0, 'ENOENT']);
});

it('a container with a thousand devices binds each once', async () => {
  const stage = repaired(SEVERAL, [{ devices: 1000, viable: true }]);
  const setup = [...container(), alloc()];
  expect(await resultsOf(setup, [inject(1001), bind(), inject(1000), unbind(), unbind(), bind()], stage)).toEqual([
    0, 0, 0, 0, 0, 0,
  ]);
});
