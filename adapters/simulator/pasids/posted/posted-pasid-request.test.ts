import { describe, expect, it } from 'vitest';
import type { Op } from '../../../../spec/uapi/vocabulary.ts';
import {
  close,
  le,
  number,
  openContainer,
  openGroup,
  outcomesOf,
  PAGE,
  resultsOf,
  setContainer,
  setIommu,
} from '../../test-programs.ts';
import { ALLOC, alloc, container, FREE, free, ONE, pasidRequest, posted } from '../test-requests.ts';

const NUMBER = number.VFIO_IOMMU_PASID_REQUEST!;
const result = { save: [{ name: 'pasid', at: 16, width: 4 }] };
/** What ALLOCs in a range gave. */
async function given(count: number, setup: Op[], range = {}): Promise<unknown[]> {
  const outcomes = await outcomesOf(setup, Array(count).fill(pasidRequest(range, result)), posted());
  return outcomes.map(({ errno, saved }) => errno ?? saved!.pasid);
}
const quota = (value: number): Op => ({
  op: 'set_parameter',
  module: 'vfio_iommu_type1',
  parameter: 'pasid_quota',
  value: String(value),
});

describe('PASID_REQUEST as posted', () => {
  /** With its argument at the end of the page: argsz, flags, min, max, result. */
  const cut = (left: number, ...words: number[]): Op => {
    const bytes = words
      .map((word) => le(word, 4))
      .join('')
      .slice(0, 2 * left);
    return { op: 'ioctl', fd: 'c', number: NUMBER, argument: { memory: 'args', at: PAGE - left, bytes } };
  };

  it.each([
    ['header', cut(7, 20, ALLOC), 'EFAULT'],
    ['argsz before the rest', cut(8, 7, ALLOC), 'EINVAL'],
    ['flags before the rest', cut(8, 20, 4), 'EINVAL'],
    ['both flags before the rest', cut(8, 20, ALLOC | FREE), 'EINVAL'],
    ['the rest', cut(19, 8, FREE, 1, 1, 1), 'EFAULT'],
    ['the rest before no flags', cut(19, 8, 0, 1, 1, 1), 'EFAULT'],
    ['no flags', cut(20, 8, 0, 1, 1, 1), 'EINVAL'],
    ['nothing', cut(20, 8, ALLOC, 1, 1, 1), 0],
  ])('%s decides', async (_, op, answer) => {
    expect(await resultsOf(container(), [op], posted())).toEqual([answer]);
  });

  it('gives the lowest number that is free, in containers of any type', async () => {
    expect(await given(3, container(1, 3), { min: 5, max: 7 })).toEqual([5, 6, 7]);
    expect(await given(3, [...container(), alloc(6)], { min: 5, max: 7 })).toEqual([5, 7, 'EFAULT']);
    expect(await given(1, [...container(), alloc(5), alloc(6), alloc(7), free(6)], { min: 5 })).toEqual([6]);
  });

  it('takes 0 and what is negative as a number for a failure, and keeps it', async () => {
    const ops = [alloc(0), alloc(0), free(0), free(0), alloc(2 ** 31), free(2 ** 31), pasidRequest({ min: 5, max: 4 })];
    expect(await resultsOf(container(), ops, posted())).toEqual([
      'EFAULT',
      'EFAULT',
      0,
      'ENOENT',
      'EFAULT',
      0,
      'EFAULT',
    ]);
  });

  it('gives the number of bytes that cannot be written, and keeps the PASID', async () => {
    const argument = { memory: 'ro', at: 0 };
    const bytes = [20, ALLOC, 1, 1, 0].map((word) => le(word, 4)).join('');
    const ops: Op[] = [
      { op: 'mmap', as: 'ro', length: PAGE },
      { op: 'poke', memory: 'ro', at: 0, bytes },
      { op: 'protect', memory: 'ro', at: 0, length: PAGE, protection: 'read' },
      { op: 'ioctl', fd: 'c', number: NUMBER, argument },
      alloc(),
      { op: 'inject', fault: 'copy', nth: 3 },
      alloc(2),
      free(2),
    ];
    expect((await resultsOf(container(), ops, posted())).slice(3)).toEqual([4, 'EFAULT', 0, 4, 0]);
  });

  it('gives and takes for the address space that chose the backend', async () => {
    const child = { actor: 'child' };
    const other: Op[] = [
      { op: 'fork', as: 'child' },
      { ...openContainer('k'), ...child },
      { ...openGroup('g1'), ...child },
      { ...setContainer('g1', 'k'), ...child },
      { ...setIommu(6, 'k'), ...child },
      { ...free(), fd: 'k', ...child } as Op,
      { ...free(2), fd: 'k', ...child } as Op,
      // The child's own process, but the container of the parent.
      free(1, child),
    ];
    const answers = await resultsOf([...container(), alloc()], other, posted({}, [ONE, ONE]));
    expect(answers.slice(-3)).toEqual(['EACCES', 'ENOENT', 0]);
  });

  it('frees all with the last container of an address space', async () => {
    const two = [openContainer('k'), openGroup('g1'), setContainer('g1', 'k'), setIommu(6, 'k')];
    const inOther = { ...alloc(), fd: 'k' } as Op;
    const setup = [...container(), alloc(), ...two];
    expect(await resultsOf(setup, [close('g0'), inOther], posted({}, [ONE, ONE]))).toEqual([0, 'EFAULT']);
    const again = [close('g0'), close('g1'), openGroup('g0'), setContainer('g0', 'k'), setIommu(6, 'k'), inOther];
    expect((await resultsOf(setup, again, posted({}, [ONE, ONE]))).at(-1)).toBe(0);
  });
});

describe('the quota as posted', () => {
  const range = { min: 1, max: 100_000 };

  it('is 1000 at first, and counts from the next ALLOC on', async () => {
    const thousand: Op[] = Array(1000).fill(pasidRequest(range));
    const ops = [
      pasidRequest(range),
      quota(1001),
      pasidRequest(range),
      pasidRequest(range),
      free(),
      pasidRequest(range),
    ];
    expect(await resultsOf([...container(), ...thousand], ops, posted())).toEqual(['EFAULT', 0, 0, 'EFAULT', 0, 0]);
  });

  it('below what is in use is forgotten, even when it would do later', async () => {
    const ops = [quota(2), alloc(4), free(1), free(2), free(3), alloc(5), alloc(6)];
    const setup = [...container(), alloc(1), alloc(2), alloc(3)];
    expect(await resultsOf(setup, ops, posted())).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it('applies if written before the first ALLOC', async () => {
    expect(await resultsOf(container(), [quota(1), alloc(1), alloc(2)], posted())).toEqual([0, 0, 'EFAULT']);
    expect(await resultsOf(container(), [quota(0), alloc(1)], posted())).toEqual([0, 'EFAULT']);
  });

  it('is a parameter only where the request is there', async () => {
    expect(await resultsOf(container(), [quota(5)], posted({ pasid_request: 'absent' }))).toEqual(['ENOENT']);
  });
});
