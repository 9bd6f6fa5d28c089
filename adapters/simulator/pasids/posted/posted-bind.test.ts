import { describe, expect, it } from 'vitest';
import type { Op } from '../../../../spec/uapi/vocabulary.ts';
import { mmap, number, openContainer, resultsOf, run } from '../../test-programs.ts';
import {
  alloc,
  BIND,
  behind,
  bind,
  bindBytes,
  boundOn,
  container,
  free,
  inject,
  invalidate,
  join,
  ONE,
  posted,
  UNBIND,
  unbind,
} from '../test-requests.ts';

/** Two domains: that of the group attached last comes first. */
const TWO_DOMAINS = (driver = 'v11') => posted({ driver }, [behind(0), behind(1)]);
const OLDER_AND_NEWER: [string, number][] = [
  ['g0', 0],
  ['g1', 0],
];

describe('BIND as posted, over two domains', () => {
  it.each([
    ['works', [], 0, true, true],
    ['loses the failure of the newer domain', [inject(1)], 0, true, false],
    ['gives the failure of the older domain and undoes all', [inject(2, 'ENOSPC')], 'ENOSPC', false, false],
    ['gives the older of two failures', [inject(1, 'EPERM'), inject(2, 'ENOSPC')], 'ENOSPC', false, false],
  ] as const)('%s', async (_, faults, result, older, newer) => {
    const setup = [...container(2), alloc()];
    const ops = [...faults, bind()];
    expect((await resultsOf(setup, ops, TWO_DOMAINS())).at(-1)).toBe(result);
    expect(await boundOn([...setup, ...ops], OLDER_AND_NEWER, TWO_DOMAINS())).toEqual([older, newer]);
  });
});

describe('BIND as posted, within a domain', () => {
  const pair = [{ devices: 2, viable: true }];
  const devices: [string, number][] = [
    ['g0', 0],
    ['g0', 1],
  ];

  it('on V10 never binds a second device', async () => {
    const ops = [...container(), alloc(), bind()];
    expect((await resultsOf([], ops, posted({}, pair))).at(-1)).toBe('EINVAL');
    expect(await boundOn(ops, devices, posted({}, pair))).toEqual([false, false]);
    expect(await boundOn(ops, devices, posted({ driver: 'v11' }, pair))).toEqual([true, true]);
  });

  it('stops at the first device that refuses, and a rollback at the first that it cannot undo', async () => {
    const stage = posted({ driver: 'v11' }, pair);
    expect(await boundOn([...container(), alloc(), inject(2), bind()], devices, stage)).toEqual([false, false]);
    // The undoing of the first is refused, too.
    const stuck = [...container(), alloc(), inject(2), inject(3), bind()];
    expect(await boundOn(stuck, devices, stage)).toEqual([true, false]);
  });

  it('binds devices without driver, too', async () => {
    const ops: Op[] = [...container(), { op: 'plug', slot: 'g0' }, alloc(), bind()];
    expect((await resultsOf([], ops, posted())).at(-1)).toBe('EINVAL');
    expect((await resultsOf([], ops, posted({ driver: 'v11' }))).at(-1)).toBe(0);
  });
});

describe('a second BIND of the same PASID', () => {
  it.each([
    ['v10', 'EINVAL', ['EINVAL']],
    ['v11', 0, [0, 0, 'EINVAL']],
    ['v5.8', 'EBUSY', ['EINVAL']],
    ['v5.8-aux', 0, [0, 0, 'EINVAL']],
    ['v5.9', 'EBUSY', [0]],
  ])('on %s gives %s, and what is left is as the driver counts', async (driver, second, unbinds) => {
    const setup = [...container(), alloc(), bind()];
    const ops = [bind(), ...unbinds.map(() => unbind())];
    expect(await resultsOf(setup, ops, posted({ driver }))).toEqual([second, ...unbinds]);
    const bound = await boundOn([...setup, bind()], [['g0', 0]], posted({ driver }));
    expect(bound).toEqual([second === 0]);
  });

  it('on V10 is counted if the guest has another PASID for it', async () => {
    const ops = [bind({ dataFlags: 1, gpasid: 5 }), bind({ dataFlags: 1, gpasid: 6 }), unbind(), unbind(), unbind()];
    expect(await resultsOf([...container(), alloc()], ops, posted())).toEqual([0, 0, 0, 0, 'EINVAL']);
  });

  it.each([
    ['v10', 'EINVAL', true, false],
    ['v11', 0, true, true],
    ['v5.8', 'EBUSY', false, false],
    ['v5.9', 'EBUSY', false, false],
  ])('after another group has joined: on %s gives %s', async (driver, result, older, newer) => {
    const stage = posted({ driver }, [ONE, ONE]);
    const ops = [...container(), alloc(), bind(), ...join('g1'), bind()];
    expect((await resultsOf([], ops, stage)).at(-1)).toBe(result);
    expect(await boundOn(ops, OLDER_AND_NEWER, stage)).toEqual([older, newer]);
  });
});

describe('the rollback of BIND', () => {
  it.each([
    ['a format', { format: 2 }],
    ['a width', { width: 47 }],
  ])('takes a binding with it that was there before a request with %s that is wrong', async (_, fields) => {
    const ops = [...container(), alloc(), bind(), bind(fields)];
    expect((await resultsOf([], ops, posted())).at(-1)).toBe('EINVAL');
    expect(await boundOn(ops, [['g0', 0]], posted())).toEqual([false]);
  });

  it('unbinds what 32 bits of the number name', async () => {
    const ops = [alloc(5), bind({ hpasid: 5 }), bind({ hpasid: 2n ** 32n + 5n }), unbind(5)];
    expect(await resultsOf(container(), ops, posted())).toEqual([0, 0, 'EINVAL', 'EINVAL']);
  });

  it('visits only what the loop visits', async () => {
    const stage = posted({ driver: 'v11' }, [ONE, ONE]);
    // The newer group refuses, and cannot be undone: the older one stays as it was.
    const ops = [...container(), alloc(), bind(), ...join('g1'), inject(1), bind()];
    expect((await resultsOf([], ops, stage)).at(-1)).toBe('EIO');
    expect(await boundOn(ops, OLDER_AND_NEWER, stage)).toEqual([true, false]);
  });
});

describe('UNBIND as posted', () => {
  it('stops at the first group of a domain that was never bound, and visits other domains', async () => {
    const ops = [...container(), alloc(), bind(), ...join('g1'), unbind()];
    const together = posted({}, [ONE, ONE]);
    expect((await resultsOf([], ops, together)).at(-1)).toBe('EINVAL');
    expect(await boundOn(ops, OLDER_AND_NEWER, together)).toEqual([true, false]);
    const apart = posted({}, [behind(0), behind(1)]);
    expect((await resultsOf([], ops, apart)).at(-1)).toBe(0);
    expect(await boundOn(ops, OLDER_AND_NEWER, apart)).toEqual([false, false]);
  });

  it('looks at the version and 32 bits of the number only', async () => {
    const odd = { format: 99, dataFlags: 0xff, gpgd: 2n ** 63n, padding: 1, vtdFlags: 0xff };
    const ops = [unbind(2n ** 32n + 1n, odd), unbind()];
    expect(await resultsOf([...container(), alloc(), bind()], ops, posted())).toEqual([0, 'EINVAL']);
  });
});

describe('the argument of BIND as posted', () => {
  const BIND_NUMBER = number.VFIO_IOMMU_BIND!;
  /** BIND with its argument at the end of the page, of which so many bytes are left. */
  const cut = (left: number, fields = {}): Op => ({
    op: 'ioctl',
    fd: 'c',
    number: BIND_NUMBER,
    argument: { memory: 'args', at: 4096 - left, bytes: bindBytes(fields).slice(0, 2 * left) },
  });

  it.each([
    ['header', [cut(7)], 'EFAULT'],
    ['argsz before version', [cut(8, { argsz: 7 })], 'EINVAL'],
    ['version before its value', [cut(11, { argsz: 8, version: 2 })], 'EFAULT'],
    ['size before data', [cut(12, { argsz: 8, version: 2 })], 'ENOMEM'],
    ['allocation', [{ op: 'inject', fault: 'allocation', nth: 1 } as Op, bind()], 'ENOMEM'],
    ['data before flags', [cut(79, { argsz: 8, flags: 0 })], 'EFAULT'],
    ['flags', [cut(80, { argsz: 8, flags: 0, format: 9 })], 'EINVAL'],
    ['both flags', [bind({ flags: BIND | UNBIND })], 'EINVAL'],
    ['PASID that nobody has', [bind({ hpasid: 2 })], 'ENOENT'],
  ])('%s decides', async (_, ops, errno) => {
    expect((await resultsOf([...container(), alloc()], ops, posted())).at(-1)).toBe(errno);
  });

  it('needs neither an argsz for the data nor known flags', async () => {
    const ops = [bind({ argsz: 8 }), unbind(1, { flags: 0x8000_0002 }), bind({ flags: 0x8000_0001, dataFlags: 0xfe })];
    expect(await resultsOf([...container(), alloc()], ops, posted())).toEqual([0, 0, 0]);
  });

  it.each([
    [0, '2020-03-25'],
    [0x8000_0000, '2020-03-25'],
    [0, '2020-01-28'],
    [2, '2020-01-28'],
  ])('with version %i looks outside of the table of %s', async (version, size_table) => {
    const { end } = await run([...container(), bind({ version })], posted({ size_table }));
    expect(end).toBe('crashed');
  });

  it.each(['v5.8', 'v5.8-aux'])('with a PASID that nobody has ends a kernel with the driver of %s', async (driver) => {
    expect((await run([...container(), bind()], posted({ driver }))).end).toBe('crashed');
    expect(await resultsOf(container(), [bind()], posted({ driver: 'v5.9' }))).toEqual(['ENOENT']);
  });
});

describe('where nothing is bound', () => {
  const requests = (fields = {}) => [alloc(), bind(fields), unbind(1, fields), invalidate(fields)];

  it('a container without backend gives EINVAL', async () => {
    const setup = [mmap('args', 1), openContainer()];
    expect(await resultsOf(setup, requests(), posted())).toEqual(['EINVAL', 'EINVAL', 'EINVAL', 'EINVAL']);
  });

  it('a container without domain gives each its own', async () => {
    const stage = posted({}, [{ ...ONE, kind: 'emulated' }]);
    expect(await resultsOf(container(), requests(), stage)).toEqual(['EFAULT', 'EINVAL', 'EINVAL', 0]);
    expect(await resultsOf(container(), [free()], stage)).toEqual(['EFAULT']);
  });

  it('a driver without hooks gives ENODEV', async () => {
    expect(await resultsOf(container(), requests(), posted({ driver: 'none' }))).toEqual([
      0,
      'ENODEV',
      'ENODEV',
      'ENODEV',
    ]);
  });

  it('another version of the data gives ENOMEM', async () => {
    expect((await resultsOf(container(), requests({ version: 2 }), posted())).slice(1)).toEqual([
      'ENOMEM',
      'ENOMEM',
      'ENOMEM',
    ]);
  });

  it('each request can be absent', async () => {
    const absent = { bind: 'absent', pasid_request: 'absent', cache_invalidate: 'absent' };
    expect(await resultsOf(container(), requests(), posted(absent))).toEqual(['ENOTTY', 'ENOTTY', 'ENOTTY', 'ENOTTY']);
  });
});

describe('a container with more than one unit', () => {
  const two = [{ devices: 2, viable: true }];
  it.each([
    ['device', two, 1, 'EOPNOTSUPP'],
    ['group', two, 1, 0],
    ['group', [ONE, ONE], 2, 'EOPNOTSUPP'],
    ['none', [ONE, ONE], 2, 0],
  ])('is refused where the unit is %s', async (unit, slots, groups, answer) => {
    const stage = posted({ singleton_scope: unit, driver: 'v11' }, slots);
    const ops = [alloc(), bind(), bind({ flags: 0 })];
    const expected = answer === 0 ? [0, 0, 'EINVAL'] : ['EOPNOTSUPP', 'EOPNOTSUPP', 'EINVAL'];
    expect(await resultsOf(container(groups), ops, stage)).toEqual(expected);
    const allowed = posted({ singleton_scope: unit, driver: 'v11', second_member_use: 'allowed' }, slots);
    expect(await resultsOf(container(groups), ops, allowed)).toEqual([0, 0, 'EINVAL']);
  });
});

it('the second read of the data is what counts, and its fault is injected like any', async () => {
  const fault = (nth: number): Op => ({ op: 'inject', fault: 'copy', nth });
  const ops = [fault(1), bind(), fault(2), bind(), fault(3), bind(), fault(4), bind()];
  expect(await resultsOf([...container(), alloc()], ops, posted())).toEqual([
    0,
    'EFAULT',
    0,
    'EFAULT',
    0,
    'EFAULT',
    0,
    0,
  ]);
});
