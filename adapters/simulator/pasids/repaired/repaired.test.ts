import { describe, expect, it } from 'vitest';
import type { Op } from '../../../../spec/uapi/vocabulary.ts';
import { le, number, openContainer, openGroup, PAGE, resultsOf, setContainer, setIommu } from '../../test-programs.ts';
import {
  ALLOC,
  alloc,
  BIND,
  type BindFields,
  bind,
  boundOn,
  container,
  FREE,
  free,
  type InvalidateFields,
  invalidate,
  ONE,
  pasidRequest,
  repaired,
  UNBIND,
  unbind,
} from '../test-requests.ts';

const FOUR_LEVELS = { nesting: 'four_levels' } as const;
const quota = (value: number): Op => ({
  op: 'set_parameter',
  module: 'vfio_iommu_type1',
  parameter: 'pasid_quota',
  value: String(value),
});
/** An ioctl with its argument at the end of the page: bytes that are cut there. */
const cut = (request: string, left: number, bytes: string): Op => ({
  op: 'ioctl',
  fd: 'c',
  number: number[request]!,
  argument: { memory: 'args', at: PAGE - left, bytes: bytes.padEnd(2 * left, '0').slice(0, 2 * left) },
});
const header = (argsz: number, flags: number) => le(argsz, 4) + le(flags, 4);

describe('PASID_REQUEST', () => {
  const request = (left: number, argsz: number, flags: number) =>
    cut('VFIO_IOMMU_PASID_REQUEST', left, header(argsz, flags));

  it.each<[string, Op, unknown]>([
    ['header', request(7, 19, 0), 'EFAULT'],
    ['argsz', request(8, 19, ALLOC), 'EINVAL'],
    ['flags', request(8, 20, 4), 'EINVAL'],
    ['no flags', request(8, 20, 0), 'EINVAL'],
    ['both flags', request(8, 20, ALLOC | FREE), 'EINVAL'],
    ['rest', request(19, 20, ALLOC), 'EFAULT'],
    ['min above max', pasidRequest({ min: 2, max: 1 }), 'EINVAL'],
    ['FREE of 0', free(0), 'EINVAL'],
    ['FREE of 2^20', free(2 ** 20), 'EINVAL'],
    ['FREE of what nobody has', free(1), 'ENOENT'],
    ['ALLOC of 0', alloc(0), 'ENOSPC'],
    ['ALLOC of 2^20', alloc(2 ** 20), 'ENOSPC'],
    ['ALLOC', pasidRequest({ min: 0, max: 0xffff_ffff }), 0],
    ['ALLOC of the last', alloc(2 ** 20 - 1), 0],
  ])('%s decides', async (_, op, answer) => {
    expect(await resultsOf(container(), [op], repaired())).toEqual([answer]);
  });

  it('is refused in a container of another type, after the argument', async () => {
    const ops = [pasidRequest({ min: 2, max: 1 }), alloc(), free()];
    expect(await resultsOf(container(1, 3), ops, repaired())).toEqual(['EINVAL', 'EOPNOTSUPP', 'EOPNOTSUPP']);
  });

  it('is refused for one unit too many, or a device that cannot nest; FREE is not', async () => {
    const two = [{ devices: 2, viable: true }];
    expect(await resultsOf(container(), [alloc(), free()], repaired({}, two))).toEqual(['EOPNOTSUPP', 'ENOENT']);
    expect(await resultsOf(container(), [alloc()], repaired({ singleton_scope: 'group' }, two))).toEqual([0]);
    for (const kind of [{ kind: 'platform' }, { kind: 'emulated' }, { pasidBits: 16 }] as const) {
      expect(await resultsOf(container(), [alloc(), bind()], repaired({}, [{ ...ONE, ...kind }]))).toEqual([
        'EOPNOTSUPP',
        'EOPNOTSUPP',
      ]);
    }
    const mediated = [{ ...ONE, kind: 'mediated' as const }];
    expect(await resultsOf(container(), [alloc()], repaired({}, mediated))).toEqual([0]);
    const alone = repaired({ mediated_devices: 'mediated_device' }, mediated);
    expect(await resultsOf(container(), [alloc()], alone)).toEqual(['EOPNOTSUPP']);
    expect(await resultsOf(container(), [alloc()], repaired({ driver: 'none' }))).toEqual(['EOPNOTSUPP']);
  });

  it('takes back what it cannot tell', async () => {
    const ops: Op[] = [{ op: 'inject', fault: 'copy', nth: 3 }, alloc(), free(), alloc()];
    expect(await resultsOf(container(), ops, repaired())).toEqual([0, 'EFAULT', 'ENOENT', 0]);
  });

  it('counts what the parameter says at each ALLOC', async () => {
    const ops = [quota(1), alloc(3), free(1), alloc(3), free(2), alloc(3), quota(2), alloc(4)];
    expect(await resultsOf([...container(), alloc(1), alloc(2)], ops, repaired())).toEqual([
      0,
      'ENOSPC',
      0,
      'ENOSPC',
      0,
      0,
      0,
      0,
    ]);
  });

  it('gives, binds and frees for the address space that chose the backend', async () => {
    const child = { actor: 'child' };
    const other: Op[] = [
      { op: 'fork', as: 'child' },
      { ...openContainer('k'), ...child },
      { ...openGroup('g1'), ...child },
      { ...setContainer('g1', 'k'), ...child },
      { ...setIommu(6, 'k'), ...child },
      { ...bind(), fd: 'k', ...child } as Op,
      { ...free(), fd: 'k', ...child } as Op,
      { ...bind({ hpasid: 2 }), fd: 'k', ...child } as Op,
    ];
    const answers = await resultsOf([...container(), alloc()], other, repaired({}, [ONE, ONE]));
    expect(answers.slice(-3)).toEqual(['EACCES', 'EACCES', 'ENOENT']);
  });

  it('FREE unbinds in all containers of the owner', async () => {
    const two = [openContainer('k'), openGroup('g1'), setContainer('g1', 'k'), setIommu(6, 'k')];
    const ops = [...container(), alloc(), bind(), ...two, { ...bind(), fd: 'k' } as Op, free()];
    expect((await resultsOf([], ops, repaired({}, [ONE, ONE]))).slice(-2)).toEqual([0, 0]);
    const both: [string, number][] = [
      ['g0', 0],
      ['g1', 0],
    ];
    expect(await boundOn(ops, both, repaired({}, [ONE, ONE]))).toEqual([false, false]);
  });
});

describe('BIND', () => {
  const request = (left: number, argsz: number, flags: number) => cut('VFIO_IOMMU_BIND', left, header(argsz, flags));

  it.each<[string, Op, unknown]>([
    ['header', request(7, 79, 0), 'EFAULT'],
    ['argsz', request(8, 79, BIND), 'EINVAL'],
    ['flags', request(8, 80, 4 | BIND), 'EINVAL'],
    ['no flags', request(8, 80, 0), 'EINVAL'],
    ['both flags', request(8, 80, BIND | UNBIND), 'EINVAL'],
    ['data', request(79, 80, BIND), 'EFAULT'],
    ['data of UNBIND', request(79, 80, UNBIND), 'EFAULT'],
  ])('%s decides', async (_, op, answer) => {
    expect(await resultsOf([...container(), alloc()], [op], repaired())).toEqual([answer]);
  });

  it.each<[string, BindFields, [binding: unknown, unbinding: unknown]]>([
    ['a greater argsz', { argsz: 100 }, [0, 0]],
    ['another version', { version: 2 }, ['EINVAL', 'EINVAL']],
    ['another format', { format: 0 }, ['EINVAL', 'EINVAL']],
    ['an unknown flag', { dataFlags: 2 }, ['EINVAL', 'EINVAL']],
    ['padding', { padding: 1 }, ['EINVAL', 'EINVAL']],
    ['an unknown flag of VT-d', { vtdFlags: 0x40 }, ['EINVAL', 'EINVAL']],
    ['a flag of VT-d that is not there', { vtdFlags: 1 }, ['EINVAL', 0]],
    ['PASID 0', { hpasid: 0 }, ['EINVAL', 'EINVAL']],
    ['PASID 2^20', { hpasid: 2 ** 20 }, ['EINVAL', 'EINVAL']],
    ['a PASID that nobody has', { hpasid: 2 }, ['ENOENT', 0]],
    ['another width', { width: 57 }, ['EINVAL', 0]],
    ['a table address beyond', { gpgd: 2n ** 39n }, ['EINVAL', 0]],
    ['a guest PASID that is not valid', { gpasid: 5 }, [0, 0]],
  ])('with %s', async (_, fields, expected) => {
    const ops = [bind(fields), bind({ ...fields, flags: UNBIND })];
    expect(await resultsOf([...container(), alloc()], ops, repaired({}, [ONE], FOUR_LEVELS))).toEqual(expected);
  });

  it('is refused in a container of another type, after the argument', async () => {
    const ops = [bind({ version: 2 }), bind(), unbind(), invalidate({ version: 2 }), invalidate()];
    expect(await resultsOf(container(1, 3), ops, repaired())).toEqual([
      'EINVAL',
      'EOPNOTSUPP',
      'EOPNOTSUPP',
      'EINVAL',
      'EOPNOTSUPP',
    ]);
  });

  it('is refused for one unit too many before the PASID, as soon as there is one', async () => {
    const ops: Op[] = [bind({ hpasid: 2 }), bind(), { op: 'plug', slot: 'g0' }, bind({ hpasid: 2 }), bind(), unbind()];
    expect(await resultsOf([...container(), alloc()], ops, repaired())).toEqual([
      'ENOENT',
      0,
      0,
      'EOPNOTSUPP',
      'EOPNOTSUPP',
      0,
    ]);
  });

  it('of what is bound gives EBUSY and leaves it', async () => {
    const ops = [...container(), alloc(), bind(), bind({ width: 1 })];
    expect((await resultsOf([], ops, repaired())).at(-1)).toBe('EBUSY');
    expect(await boundOn(ops, [['g0', 0]], repaired())).toEqual([true]);
    expect(await resultsOf(ops.slice(0, -1), [unbind(), unbind(), bind()], repaired())).toEqual([0, 0, 0]);
  });
});

describe('CACHE_INVALIDATE', () => {
  it.each<[string, Op, unknown]>([
    ['header', cut('VFIO_IOMMU_CACHE_INVALIDATE', 7, header(55, 1)), 'EFAULT'],
    ['argsz', cut('VFIO_IOMMU_CACHE_INVALIDATE', 8, header(55, 0)), 'EINVAL'],
    ['flags', cut('VFIO_IOMMU_CACHE_INVALIDATE', 8, header(56, 1)), 'EINVAL'],
    ['data', cut('VFIO_IOMMU_CACHE_INVALIDATE', 55, header(56, 0)), 'EFAULT'],
  ])('%s decides', async (_, op, answer) => {
    expect(await resultsOf(container(), [op], repaired())).toEqual([answer]);
  });

  it.each<[string, InvalidateFields, unknown]>([
    ['nothing', { cache: 0 }, 0],
    ['another version', { version: 2 }, 'EINVAL'],
    ['padding', { padding: 1 }, 'EINVAL'],
    ['an unknown cache', { cache: 9 }, 'EINVAL'],
    ['an unknown granularity', { granularity: 3 }, 'EINVAL'],
    ['the IOTLB and PASIDs of the domain', { granularity: 0, cache: 5, infoFlags: 0xff, pasid: 0 }, 0],
    ['the device of the domain', { granularity: 0, cache: 2 }, 'EINVAL'],
    ['everything of a PASID', { cache: 7, infoFlags: 3 }, 0],
    ['addresses', { granularity: 2, cache: 3, infoFlags: 7 }, 0],
    ['PASIDs of addresses', { granularity: 2, cache: 4 }, 'EINVAL'],
    ['no PASID', { infoFlags: 2 }, 'EINVAL'],
    ['no PASID of an address', { granularity: 2, infoFlags: 6 }, 'EINVAL'],
    ['a flag that only an address has', { infoFlags: 5 }, 'EINVAL'],
    ['PASID 0', { pasid: 0 }, 'EINVAL'],
    ['PASID 2^20', { pasid: 2 ** 20 }, 'EINVAL'],
    ['a PASID that is not bound', { pasid: 9 }, 0],
    ['a misaligned address', { granularity: 2, addr: 4097, granules: 2 }, 0],
    ['addresses up to the end', { granularity: 2, addr: 2n ** 64n - 4096n }, 0],
    ['addresses beyond the end', { granularity: 2, addr: 2n ** 64n - 4095n }, 'EINVAL'],
    ['too many addresses', { granularity: 2, granuleSize: 2n ** 63n, granules: 2 }, 'EINVAL'],
    ['such a number without meaning', { granuleSize: 2n ** 63n, granules: 2 }, 0],
  ])('with %s', async (_, fields, answer) => {
    const setup = [...container(), alloc(), bind()];
    expect(await resultsOf(setup, [invalidate(fields)], repaired())).toEqual([answer]);
  });
});
