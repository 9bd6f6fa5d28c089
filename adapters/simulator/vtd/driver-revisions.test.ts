import { describe, expect, it } from 'vitest';
import type { Machine, Op } from '../../../spec/uapi/vocabulary.ts';
import {
  alloc,
  type BindFields,
  behind,
  bind,
  bindArgszFirst,
  bindBytesArgszFirst,
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
} from '../pasids/test-requests.ts';
import { number, PAGE, ready, resultsOf } from '../test-programs.ts';

const FOUR_LEVELS: Machine = { nesting: 'four_levels' };

describe('UNBIND', () => {
  it.each([
    ['v10', 'ENOENT', 'ENOENT', 'EINVAL', 'EINVAL', 0],
    ['v11', 'ENOENT', 'ENOENT', 'EINVAL', 'EINVAL', 0],
    ['v5.8', 'ENOENT', 'ENOENT', 'EINVAL', 'EINVAL', 0],
    ['v5.9', 'EINVAL', 'ENOENT', 0, 0, 0],
    ['complete', 'EINVAL', 'ENOENT', 0, 0, 0],
  ])('on %s: out of range, not allocated, not bound, bound elsewhere, bound', async (driver, ...expected) => {
    const [outside, free, unbound, elsewhere, bound] = expected;
    const stage = posted({ driver }, [behind(0), behind(1)]);
    const alone = [...container(), alloc()];
    const ops = [unbind(2 ** 20), unbind(2), unbind(), bind(), unbind()];
    expect(await resultsOf(alone, ops, stage)).toEqual([outside, free, unbound, 0, bound]);
    // Bound in the older domain, which comes last: what the newer one says is seen alone when the older has left.
    const left: Op[] = [bind(), ...join('g1'), { op: 'close', fd: 'g0' }, unbind()];
    expect((await resultsOf(alone, left, stage)).at(-1)).toBe(elsewhere);
  });

  it('succeeds for a device that has left its domain and come back, and BIND takes it for bound', async () => {
    const ops = [...join('g1'), bind(), { op: 'close', fd: 'g0' } as Op, ...join('g0')];
    const setup = [...container(), alloc()];
    const stage = posted({ driver: 'v11' }, [ONE, ONE]);
    expect(await boundOn([...setup, ...ops], [['g0', 0]], stage)).toEqual([false]);
    expect((await resultsOf(setup, [...ops, unbind()], stage)).at(-1)).toBe(0);
    const refusing = posted({ driver: 'v5.9' }, [ONE, ONE]);
    expect((await resultsOf(setup, [...ops, bind()], refusing)).at(-1)).toBe('EBUSY');
  });
});

describe('BIND', () => {
  const LAST = 2n ** 39n;
  it.each<[string, BindFields, Machine, [v10: unknown, v5_9: unknown, complete: unknown]]>([
    ['another format', { format: 2 }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['PASID 0', { hpasid: 0 }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['PASID 2^20', { hpasid: 2 ** 20 }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['a PASID that nobody has', { hpasid: 7 }, FOUR_LEVELS, ['ENOENT', 'ENOENT', 'ENOENT']],
    ['such a one and five levels too many', { hpasid: 7, width: 57 }, FOUR_LEVELS, ['EINVAL', 'ENOENT', 'ENOENT']],
    ['five levels too many', { width: 57 }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['five levels', { width: 57 }, { nesting: 'five_levels' }, [0, 0, 0]],
    ['another width', { width: 49 }, { nesting: 'five_levels' }, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['the greatest table address', { gpgd: LAST - 1n }, FOUR_LEVELS, [0, 0, 0]],
    ['a table address beyond', { gpgd: LAST }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['supervisor requests, not there', { vtdFlags: 1 }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['supervisor requests', { vtdFlags: 1 }, { nesting: 'five_levels' }, [0, 0, 0]],
    ['extended access, not there', { vtdFlags: 2 }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['memory types, not there', { vtdFlags: 0x20 }, FOUR_LEVELS, ['EINVAL', 'EINVAL', 'EINVAL']],
    ['memory types', { vtdFlags: 0x3c }, { nesting: 'five_levels' }, [0, 'EINVAL', 0]],
    ['unknown flags and padding', { vtdFlags: 0x40, dataFlags: 2, padding: 1 }, FOUR_LEVELS, [0, 0, 0]],
    ['a machine that cannot nest', {}, { nesting: 'none' }, ['EINVAL', 'EINVAL', 'EINVAL']],
  ])('with %s', async (_, fields, machine, expected) => {
    const type = machine.nesting === 'none' ? 3 : 6;
    const answers: unknown[] = [];
    for (const driver of ['v10', 'v5.9', 'complete']) {
      const stage = posted({ driver }, [ONE], machine);
      answers.push(...(await resultsOf([...container(1, type), alloc()], [bind(fields)], stage)));
    }
    expect(answers).toEqual(expected);
  });

  it.each([
    ['v10', 0, 0],
    ['v11', 'EINVAL', 0],
    ['v5.8', 'EINVAL', 'EINVAL'],
    ['v5.9', 'EINVAL', 'EINVAL'],
    ['complete', 'EINVAL', 'EINVAL'],
  ])('on %s in a container of an ordinary type', async (driver, bound, flushed) => {
    const setup = [...container(1, 3), alloc()];
    expect(await resultsOf(setup, [bind(), invalidate()], posted({ driver }))).toEqual([bound, flushed]);
  });

  it.each<[string, object, Record<string, string>, unknown[]]>([
    ['no PCI function', { kind: 'platform' }, {}, ['524', 'EINVAL', 'ENODEV']],
    ['a mediated one', { kind: 'mediated' }, { mediated_devices: 'parent_device' }, [0, 0, 0]],
    [
      'a mediated one that stays what it is',
      { kind: 'mediated' },
      { mediated_devices: 'mediated_device' },
      ['EINVAL', 'EINVAL', 'ENODEV'],
    ],
    ['one with 16 bits', { pasidBits: 16 }, {}, ['EINVAL', 'EINVAL', 0]],
    ['one without PASIDs', { pasidBits: 0 }, {}, ['EINVAL', 'EINVAL', 'EINVAL']],
  ])('UNBIND and CACHE_INVALIDATE of %s', async (_, kind, parameters, expected) => {
    const stage = posted(parameters, [{ ...ONE, ...kind }]);
    expect(await resultsOf([...container(), alloc()], [bind(), unbind(), invalidate()], stage)).toEqual(expected);
  });

  it('takes a PASID of another process', async () => {
    const child = { actor: 'child' };
    const ops: Op[] = [{ op: 'fork', as: 'child' }, { op: 'open', what: 'container', as: 'k', ...child }, bind()];
    expect(await resultsOf([...container(), alloc()], ops, posted())).toEqual([0, 'k', 0]);
  });
});

describe('FREE of a bound PASID', () => {
  const ops = [...container(), alloc(), bind(), free()];

  it('leaves the table where nobody looks for it', async () => {
    expect(await boundOn(ops, [['g0', 0]], posted())).toEqual([true]);
    expect(await resultsOf(ops, [unbind(), alloc(), bind()], posted())).toEqual(['ENOENT', 0, 'EBUSY']);
  });

  it('unbinds everywhere with free_of_bound=unbinds', async () => {
    const stage = posted({ free_of_bound: 'unbinds' });
    expect(await boundOn(ops, [['g0', 0]], stage)).toEqual([false]);
    expect(await resultsOf(ops, [unbind(), alloc(), bind()], stage)).toEqual(['ENOENT', 0, 0]);
  });
});

describe('the wrappers of Linux 5.10', () => {
  const stage = posted({ driver: 'v5.10' }, [ONE], FOUR_LEVELS);
  const setup = [...container(), alloc()];

  it.each<[string, BindFields, unknown]>([
    ['nothing wrong', {}, 0],
    ['an argsz too small', { dataArgsz: 55 }, 'EINVAL'],
    ['an argsz too small for the driver', { dataArgsz: 71 }, 'EINVAL'],
    ['a greater argsz', { dataArgsz: 1000 }, 0],
    ['another version', { version: 2 }, 'EINVAL'],
    ['another format', { format: 2 }, 'EINVAL'],
    ['format 0', { format: 0 }, 'EINVAL'],
    ['an unknown flag', { dataFlags: 2 }, 'EINVAL'],
    ['padding', { padding: 1 }, 'EINVAL'],
    ['an unknown flag of VT-d', { vtdFlags: 0x40 }, 'EINVAL'],
    ['the other header', { argsz: 8, flags: 0x8000_0001 }, 0],
    ['a PASID that nobody has', { hpasid: 2 }, 'ENOENT'],
  ])('with %s in BIND', async (_, fields, expected) => {
    expect(await resultsOf(setup, [bindArgszFirst(fields)], stage)).toEqual([expected]);
  });

  it('read the data at each device, after the flags', async () => {
    const cut = (left: number, fields: BindFields): Op => ({
      op: 'ioctl',
      fd: 'c',
      number: number.VFIO_IOMMU_BIND!,
      argument: { memory: 'args', at: PAGE - left, bytes: bindBytesArgszFirst(fields).slice(0, 2 * left) },
    });
    const ops = [cut(8, { flags: 0 }), cut(8, {}), cut(63, {}), cut(64, { dataArgsz: 56 }), cut(79, {}), cut(80, {})];
    expect(await resultsOf(setup, ops, stage)).toEqual(['EINVAL', 'EFAULT', 'EFAULT', 'EINVAL', 'EFAULT', 0]);
    const empty = posted({ driver: 'v5.10' }, [{ ...ONE, kind: 'emulated' }]);
    expect(await resultsOf(container(), [cut(8, {})], empty)).toEqual(['EINVAL']);
  });

  it('check the data of UNBIND as that of BIND, so that bad data leaves an older binding alone', async () => {
    const bad = { padding: 1 };
    const ops = [bindArgszFirst(), bindArgszFirst(bad), bindArgszFirst({ flags: UNBIND, ...bad })];
    expect(await resultsOf(setup, ops, stage)).toEqual([0, 'EINVAL', 'EINVAL']);
    expect(await boundOn([...setup, ...ops], [['g0', 0]], stage)).toEqual([true]);
  });

  it('are passed before a fault of the driver', async () => {
    const ops = [inject(1), bindArgszFirst({ padding: 1 }), inject(1, 'ENOSPC'), bindArgszFirst()];
    expect(await resultsOf(setup, ops, stage)).toEqual([0, 'EINVAL', 0, 'ENOSPC']);
  });
});

describe('SET_IOMMU with the nesting type where the IOMMU cannot nest', () => {
  it.each([
    ['2020', 'ENODEV'],
    ['6.1', 'EINVAL'],
    ['6.12', 'EINVAL'],
  ])('gives with the base kernel %s %s', async (base_kernel, errno) => {
    const stage = { machine: {}, slots: [ONE], parameters: { base_kernel } };
    const setup = ready().slice(0, -1);
    const ops: Op[] = [{ op: 'ioctl', fd: 'c', number: number.VFIO_SET_IOMMU!, argument: { value: 6 } }];
    expect(await resultsOf(setup, ops, stage)).toEqual([errno]);
  });
});
