import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  close,
  leftBy,
  openDevice,
  openGroup,
  readRegion,
  resultsOf,
  run,
  setContainer,
  setIommu,
  unsetContainer,
} from '../test-programs.ts';
import { alloc, bind, container, join, ONE, posted, repaired, unbind } from './test-requests.ts';

const CONFIG = 7;
const TWO = [ONE, ONE];
const setup = (type = 6): Op[] => [...container(1, type), openGroup('g1')];
const joins = setContainer('g1');

describe('a second group of a container of the nesting type', () => {
  it('is taken with second_member_at_attach=never', async () => {
    const stage = posted({ second_member_at_attach: 'never' }, TWO);
    expect(await resultsOf(setup(), [alloc(), bind(), joins], stage)).toEqual([0, 0, 0]);
  });

  it('is refused with EINVAL with second_member_at_attach=always, by either ioctl', async () => {
    const stage = posted({ second_member_at_attach: 'always' }, TWO);
    expect(await resultsOf(setup(), [joins], stage)).toEqual(['EINVAL']);
    const before = [...container().slice(0, -1), ...join('g1')];
    expect(await resultsOf(before, [setIommu(6), unsetContainer('g1'), setIommu(6)], stage)).toEqual(['EINVAL', 0, 0]);
    expect(await resultsOf(setup(3), [joins], stage)).toEqual([0]);
  });

  it('is refused with EBUSY with second_member_at_attach=while_bound, until nothing is bound', async () => {
    const ops = [alloc(), bind(), joins, unbind(), joins];
    for (const stage of [repaired({}, TWO), posted({ second_member_at_attach: 'while_bound' }, TWO)]) {
      expect(await resultsOf(setup(), ops, stage)).toEqual([0, 0, 'EBUSY', 0, 0]);
    }
  });

  it('is refused while an open device shows PASIDs because it is alone', async () => {
    const ops = [openDevice(), joins, close('d'), joins];
    expect(await resultsOf(setup(), ops, repaired({}, TWO))).toEqual(['d', 'EBUSY', 0, 0]);
    expect(await resultsOf(setup(), ops, repaired({ pasid_exposure: 'always' }, TWO))).toEqual(['d', 0, 0, 'EINVAL']);
    const without = [{ ...ONE, pasidBits: 0 as const }, ONE];
    expect(await resultsOf(setup(), ops.slice(0, 2), repaired({}, without))).toEqual(['d', 0]);
  });

  it('comes with the first by SET_IOMMU', async () => {
    const before = [...container().slice(0, -1), ...join('g1')];
    expect(await resultsOf(before, [setIommu(6)], repaired({}, TWO))).toEqual([0]);
  });
});

describe('the extended capabilities of a device', () => {
  /** The words at 0x100, 0x110 and 0x120, each after the one that was found by its link. */
  async function shown(parameters: Record<string, string>, slots = [ONE], more: Op[] = []): Promise<string[]> {
    const looks = [0x100, 0x110, 0x120].map((at, i) => readRegion(CONFIG, at, 8, 8 * i));
    const ops = [...container(slots.length, 3), ...more, openDevice(), ...looks];
    const bytes = await leftBy(ops.slice(0, -3), ops.slice(-3), 24, repaired(parameters, slots));
    return [bytes.slice(0, 8), bytes.slice(16, 24), bytes.slice(32, 48)];
  }
  const PASID = '1b00010000140000';
  const LINKED = ['0f000111', '13000112', PASID];
  const PASID_HIDDEN = ['0f000111', '13000100', PASID];
  const pair = { devices: 2, viable: true };

  it.each([
    ['never', [ONE], PASID_HIDDEN],
    ['always', [pair, ONE], LINKED],
    ['singleton_group', [pair], PASID_HIDDEN],
    ['singleton_group', [ONE, ONE], LINKED],
    ['singleton_container', [pair], PASID_HIDDEN],
    ['singleton_container', [ONE, ONE], PASID_HIDDEN],
    ['singleton_container', [ONE], LINKED],
  ])('with pasid_exposure=%s', async (pasid_exposure, slots, expected) => {
    expect(await shown({ pasid_exposure }, slots)).toEqual(expected);
  });

  it('are linked around the one for page requests with pri_exposure=never', async () => {
    const hidden = { pri_exposure: 'never' };
    expect(await shown({ ...hidden, pasid_exposure: 'always' })).toEqual(['0f000112', '13000112', PASID]);
    expect(await shown({ ...hidden, pasid_exposure: 'never' })).toEqual(['0f000100', '13000112', PASID]);
  });

  it('say how wide PASIDs are, or are not there', async () => {
    const narrow = await shown({ pasid_exposure: 'always' }, [{ ...ONE, pasidBits: 16 } as typeof ONE]);
    expect(narrow[2]).toBe('1b00010000100000');
    const none = await shown({ pasid_exposure: 'always' }, [{ ...ONE, pasidBits: 0 } as typeof ONE]);
    expect(none).toEqual(['00000000', '00000000', '0000000000000000']);
  });

  it('are as they were at the first open, until the last close', async () => {
    const plug: Op = { op: 'plug', slot: 'g0' };
    const look = readRegion(CONFIG, 0x110, 4);
    const stage = repaired();
    expect(await leftBy([...container(), openDevice(), plug, openDevice('e')], [look], 4, stage)).toBe('13000112');
    const reopened = [...container(), openDevice(), plug, close('d'), openDevice()];
    expect(await leftBy(reopened, [look], 4, stage)).toBe('13000100');
  });

  it('cannot be written, and there is nothing behind 4096 bytes', async () => {
    const write: Op = { ...readRegion(CONFIG, 0x120, 8, 8), op: 'pwrite' } as Op;
    const look = readRegion(CONFIG, 0x120, 8);
    expect(await leftBy([...container(), openDevice()], [write, look], 8, repaired())).toBe(PASID);
    const ops = [readRegion(CONFIG, 4088, 8), readRegion(CONFIG, 4092, 8)];
    expect(await resultsOf([...container(), openDevice()], ops, repaired())).toEqual([8, 'EFAULT']);
  });
});

describe('plug', () => {
  it('adds a device that a driver can be bound to', async () => {
    const plug: Op = { op: 'plug', slot: 'g0' };
    const bindDriver: Op = { op: 'bind_driver', slot: 'g0', device: 1, driver: 'vfio-pci' } as Op;
    const open = openDevice('e', 'g0', { device: 1 });
    const stage = repaired({}, [{ devices: 1, viable: true }]);
    expect(await resultsOf(container(1, 3), [plug, open, bindDriver, open], stage)).toEqual([0, 'ENODEV', 0, 'e']);
    expect((await run([...container(1, 3), open], stage)).end).toBe('unsupported');
  });
});
