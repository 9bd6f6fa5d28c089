import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { le, number, PAGE, resultsOf, run } from '../test-programs.ts';
import {
  alloc,
  behind,
  bind,
  container,
  type InvalidateFields,
  inject,
  invalidate,
  invalidateArgszFirst,
  ONE,
  posted,
} from './test-requests.ts';

const NUMBER = number.VFIO_IOMMU_CACHE_INVALIDATE!;
const bound = (): Op[] => [...container(), alloc(), bind()];

describe('the argument of CACHE_INVALIDATE as posted', () => {
  /** With the argument at the end of the page, of which so many bytes are left: argsz, flags, version. */
  const cut = (left: number, argsz: number, flags: number, version: number): Op => {
    const words = [argsz, flags, version].map((word) => le(word, 4)).join('');
    const bytes = words.padEnd(112, '0').slice(0, 2 * left);
    return { op: 'ioctl', fd: 'c', number: NUMBER, argument: { memory: 'args', at: PAGE - left, bytes } };
  };

  it.each([
    ['header', cut(7, 56, 0, 1), 'EFAULT'],
    ['argsz before version', cut(8, 7, 0, 2), 'EINVAL'],
    ['flags before version', cut(8, 8, 1, 2), 'EINVAL'],
    ['version before its value', cut(11, 8, 0, 2), 'EFAULT'],
    ['size before data', cut(12, 8, 0, 2), 'ENOMEM'],
    ['data', cut(55, 8, 0, 1), 'EFAULT'],
    ['nothing', cut(56, 8, 0, 1), 0],
  ])('%s decides', async (_, op, answer) => {
    expect(await resultsOf(bound(), [op], posted())).toEqual([answer]);
  });

  it('with a version outside of the table ends the kernel', async () => {
    expect((await run([...bound(), invalidate({ version: 0x8000_0000 })], posted())).end).toBe('crashed');
  });

  it('with version 0 has the size of the data of BIND', async () => {
    expect(await resultsOf(bound(), [invalidate({ version: 0 }), cut(56, 8, 0, 0)], posted())).toEqual([
      'EINVAL',
      'EFAULT',
    ]);
  });
});

describe('CACHE_INVALIDATE as posted', () => {
  it('gives what the last domain gives, and stops within one', async () => {
    const stage = posted({ driver: 'v11' }, [behind(0), behind(1)]);
    const setup = [...container(2), alloc(), bind()];
    const ops = [inject(1), invalidate(), inject(2, 'ENOSPC'), invalidate()];
    expect(await resultsOf(setup, ops, stage)).toEqual([0, 0, 0, 'ENOSPC']);
    const together = posted({ driver: 'v11' }, [ONE, ONE]);
    expect(await resultsOf(setup, [inject(1), invalidate(), inject(3), invalidate()], together)).toEqual([
      0,
      'EIO',
      0,
      0,
    ]);
  });

  const IOTLB = 1;
  const DEVICE = 2;
  const PASIDS = 4;
  it.each<[string, InvalidateFields, [v10: unknown, v5_8: unknown, v5_9: unknown, complete: unknown]]>([
    ['nothing', { cache: 0, granularity: 9 }, [0, 0, 0, 0]],
    ['the IOTLB of the domain', { cache: IOTLB, granularity: 0 }, ['EINVAL', 0, 0, 0]],
    ['the IOTLB of a PASID', { cache: IOTLB, granularity: 1 }, [0, 0, 0, 0]],
    ['the IOTLB of addresses', { cache: IOTLB, granularity: 2 }, [0, 0, 0, 0]],
    ['the device of the domain', { cache: DEVICE, granularity: 0 }, [0, 0, 0, 'EINVAL']],
    ['the device of a PASID', { cache: DEVICE, granularity: 1 }, [0, 0, 0, 0]],
    ['the device of addresses', { cache: DEVICE, granularity: 2 }, ['EINVAL', 0, 0, 0]],
    ['PASIDs of the domain', { cache: PASIDS, granularity: 0 }, [0, 0, 0, 0]],
    ['PASIDs of addresses', { cache: PASIDS, granularity: 2 }, ['EINVAL', 0, 0, 'EINVAL']],
    ['an unknown cache', { cache: 8, granularity: 3 }, [0, 0, 0, 0]],
    ['no PASID', { infoFlags: 0 }, [0, 0, 0, 'EINVAL']],
    ['no PASID and a bad address', { granularity: 2, infoFlags: 0, addr: 1, granules: 2 }, [0, 'ERANGE', 0, 'EINVAL']],
    ['an address within a page', { granularity: 2, addr: 1 }, [0, 0, 0, 0]],
    ['an address within its pages', { granularity: 2, addr: 4096, granules: 2 }, ['ERANGE', 'ERANGE', 0, 0]],
    ['an address aligned to its pages', { granularity: 2, addr: 0x4000, granules: 3 }, [0, 0, 0, 0]],
    ['a size rounded up', { granularity: 2, addr: 0x2000, granules: 3 }, ['ERANGE', 'ERANGE', 0, 0]],
    ['a PASID too wide', { pasid: 2n ** 32n + 1n }, [0, 0, 0, 0]],
    ['padding', { padding: 1 }, [0, 0, 0, 0]],
  ])('with %s', async (_, fields, expected) => {
    const answers: unknown[] = [];
    for (const driver of ['v10', 'v5.8', 'v5.9', 'complete']) {
      answers.push(...(await resultsOf(bound(), [invalidate(fields)], posted({ driver }))));
    }
    expect(answers).toEqual(expected);
  });

  it.each<[string, InvalidateFields, unknown]>([
    ['nothing wrong', {}, 0],
    ['an argsz too small', { dataArgsz: 15 }, 'EINVAL'],
    ['an argsz too small for a PASID', { dataArgsz: 31 }, 'EINVAL'],
    ['just enough for a PASID', { dataArgsz: 32 }, 0],
    ['an argsz too small for an address', { dataArgsz: 55, granularity: 2 }, 'EINVAL'],
    ['another version', { version: 0 }, 'EINVAL'],
    ['an unknown cache', { cache: 8 }, 'EINVAL'],
    ['an unknown granularity', { granularity: 3 }, 'EINVAL'],
    ['PASIDs of addresses', { granularity: 2, cache: 4 }, 'EINVAL'],
    ['an unknown flag of an address', { granularity: 2, infoFlags: 9 }, 'EINVAL'],
    ['a flag that only an address has', { infoFlags: 5 }, 'EINVAL'],
    ['the device of the domain', { granularity: 0, cache: 2 }, 'EINVAL'],
    ['padding', { padding: 1 }, 'EINVAL'],
  ])('on v5.10 with %s', async (_, fields, expected) => {
    const stage = posted({ driver: 'v5.10' });
    expect(await resultsOf(container(), [invalidateArgszFirst(fields)], stage)).toEqual([expected]);
  });
});
