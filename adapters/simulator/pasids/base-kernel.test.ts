import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { ioctl, le, leftBy, map, number, resultsOf, setIommu, unmap } from '../test-programs.ts';
import { alloc, container, ONE, posted, repaired } from './test-requests.ts';

const getInfo = (argsz: number): Op => ({
  op: 'ioctl',
  fd: 'c',
  number: number.VFIO_IOMMU_GET_INFO!,
  argument: { memory: 'args', at: 0, bytes: le(argsz, 4) },
});
const check = (extension: number): Op => ioctl('c', number.VFIO_CHECK_EXTENSION!, extension);
const capability = (id: number, next: number, content: string) => le(id, 2) + le(1, 2) + le(next, 4) + content;
const RANGES = (next: number) =>
  capability(1, next, le(2, 8) + le(0, 8) + le(0xfedf_ffff, 8) + le(0xfef0_0000, 8) + le(2n ** 39n - 1n, 8));
const NESTING = (requests: number) => capability(2, 0, le(requests, 4) + le(1, 4));

describe('with the base kernel of 2020', () => {
  it('extensions 9 and 10 are not those of later', async () => {
    expect(await resultsOf(container(), [check(9), check(10), check(6)], posted())).toEqual([1, 0, 1]);
    const without = posted({ bind: 'absent' });
    expect(await resultsOf(container(), [check(9), check(10)], without)).toEqual([0, 0]);
    expect(await resultsOf(container().slice(0, -1), [check(9), setIommu(9), setIommu(10)], posted())).toEqual([
      1,
      'EINVAL',
      'ENODEV',
    ]);
    expect(await resultsOf(container().slice(0, -1), [setIommu(9)], without)).toEqual(['ENODEV']);
    expect(await resultsOf(container(), [check(9), check(10)], posted({ base_kernel: '6.1' }))).toEqual([1, 1]);
  });

  it('later flags and requests are unknown', async () => {
    const ops = [
      ioctl('c', number.VFIO_IOMMU_DIRTY_PAGES!),
      unmap({ flags: 1 }),
      unmap({ flags: 2, iova: 0, size: 0 }),
      unmap({ flags: 4 }),
      map({ flags: 4 }),
      map(),
      unmap(),
    ];
    expect(await resultsOf(container(), ops, posted())).toEqual([
      'ENOTTY',
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'EINVAL',
      0,
      0,
    ]);
  });
});

describe('GET_INFO', () => {
  const info = async (stage: ReturnType<typeof posted>, type = 6, groups = 1) =>
    (await leftBy(container(groups, type), [getInfo(88)], 88, stage)).slice(48);

  it('has nothing but ranges where there is no BIND', async () => {
    expect(await info(posted({ bind: 'absent' }))).toBe(RANGES(0).padEnd(128, '5a'));
  });

  it('as posted tells of guest tables on any container', async () => {
    expect(await info(posted())).toBe(RANGES(72) + NESTING(1));
    expect(await info(posted(), 3)).toBe(RANGES(72) + NESTING(0));
    expect(await info(posted({}, [ONE], { nesting: 'none' }), 3)).toBe(RANGES(72) + NESTING(0));
  });

  it('as posted fails where the format cannot be told', async () => {
    expect(await resultsOf(container(1, 3), [getInfo(88)], posted({ driver: 'none' }))).toEqual(['EINVAL']);
    const emulated = posted({}, [{ ...ONE, kind: 'emulated' }]);
    expect(await resultsOf(container(), [getInfo(88)], emulated)).toEqual(['EINVAL']);
  });

  it('repaired tells of guest tables only where they could be bound', async () => {
    expect(await info(repaired())).toBe(RANGES(72) + NESTING(1));
    const none = RANGES(0).padEnd(128, '5a');
    expect(await info(repaired(), 3)).toBe(none);
    expect(await info(repaired({ driver: 'none' }))).toBe(none);
    expect(await info(repaired({}, [ONE, ONE]), 6, 2)).toBe(none);
    expect(await info(repaired({}, [{ ...ONE, pasidBits: 16 }]))).toBe(none);
    const emulated = repaired({}, [{ ...ONE, kind: 'emulated' }]);
    expect(await resultsOf(container(), [getInfo(88)], emulated)).toEqual([0]);
  });
});

describe('groups that no IOMMU translates', () => {
  const slots = [{ ...ONE, kind: 'emulated' as const }, ONE];

  it('let mappings be made, which are pinned when another group joins', async () => {
    const ops: Op[] = [
      { op: 'drop_capability', capability: 'ipc_lock' },
      { op: 'rlimit', resource: 'memlock', value: 0 },
      map(),
      { op: 'open', what: 'group', slot: 'g1', as: 'g1' },
      { op: 'ioctl', fd: 'g1', number: number.VFIO_GROUP_SET_CONTAINER!, argument: { memory: 'k', at: 0 } },
      unmap(),
      { op: 'ioctl', fd: 'g1', number: number.VFIO_GROUP_SET_CONTAINER!, argument: { memory: 'k', at: 0 } },
      map(),
    ];
    const descriptor: Op[] = [
      { op: 'mmap', as: 'k', length: 4096 },
      { op: 'poke', memory: 'k', at: 0, bytes: '00000000', relocations: [{ at: 0, width: 4, ref: 'c' }] },
    ];
    expect(await resultsOf([...container(1, 3), ...descriptor], ops, posted({}, slots))).toEqual([
      0,
      0,
      0,
      'g1',
      'ENOMEM',
      0,
      0,
      'ENOMEM',
    ]);
  });

  it('keep mappings when the last group that is translated leaves', async () => {
    const ops = [map(), { op: 'close', fd: 'g1' } as Op, map(), unmap(), alloc()];
    expect(await resultsOf(container(2, 3), ops, posted({}, slots))).toEqual([0, 0, 'EEXIST', 0, 'EFAULT']);
  });
});
