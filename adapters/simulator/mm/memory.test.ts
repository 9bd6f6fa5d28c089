import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  call,
  dma,
  ioctl,
  le,
  map,
  mmap,
  number,
  opened,
  outcomesOf,
  PAGE,
  peek,
  poke,
  READ,
  resultsOf,
  run,
  WRITE,
  withDevice,
} from '../test-programs.ts';

const IOVA = 0x10_0000;
const page = { memory: 'm', at: 0, length: PAGE };
const protect = (protection: 'none' | 'read' | 'write' | 'read-write'): Op => ({ op: 'protect', ...page, protection });

describe('memory of the program', () => {
  it('is filled with 0xff, or reads as zeros when nobody touched it', async () => {
    const setup = [mmap('m', 1), mmap('z', 1, { fill: 'untouched' })];
    const [m, z] = await outcomesOf(setup, [peek('m', 0, 4), peek('z', 0, 4)]);
    expect([m!.bytes, z!.bytes]).toEqual(['ffffffff', '00000000']);
  });

  it('reads as it was stored, across pages', async () => {
    const [, shown] = await outcomesOf([mmap('m', 2)], [poke('m', PAGE - 1, '0102'), peek('m', PAGE - 2, 4)]);
    expect(shown).toEqual({ value: 0, bytes: 'ff0102ff' });
  });

  it('ends before an inaccessible page, and begins behind one', async () => {
    const ops = [poke('m', PAGE, '00'), poke('m', PAGE - 1, '0000'), peek('m', PAGE - 1, 2), peek('m', PAGE - 1, 1)];
    const outcomes = await outcomesOf([mmap('m', 1), mmap('n', 1)], ops);
    expect(outcomes.map(({ errno, bytes }) => errno ?? bytes)).toEqual(['EFAULT', 'EFAULT', 'EFAULT', 'ff']);
  });

  it('can be used as its protection says', async () => {
    const ops = [protect('read'), poke('m', 0, '00'), peek('m', 0, 1), protect('none'), peek('m', 0, 1)];
    const again = [protect('read-write'), poke('m', 0, '00')];
    expect(await resultsOf([mmap('m', 1)], [...ops, ...again])).toEqual([0, 'EFAULT', 0, 0, 'EFAULT', 0, 0]);
  });

  it('is inaccessible once it is unmapped', async () => {
    const ops: Op[] = [{ op: 'unmap', ...page }, peek('m', 0, 1), peek('m', PAGE, 1), protect('read')];
    expect(await resultsOf([mmap('m', 2)], ops)).toEqual([0, 'EFAULT', 0, 'ENOMEM']);
  });

  it('changes up to the first hole, or passes over holes, as the call has it', async () => {
    const hole: Op = { op: 'unmap', memory: 'm', at: PAGE, length: PAGE };
    const whole = { memory: 'm', at: 0, length: 3 * PAGE };
    const ops: Op[] = [
      { op: 'discard', ...whole },
      peek('m', 2 * PAGE, 1),
      { op: 'protect', ...whole, protection: 'read' },
      poke('m', 0, '00'),
      poke('m', 2 * PAGE, '00'),
      { op: 'unmap', memory: 'm', at: 2 * PAGE, length: 9 * PAGE },
      { op: 'unmap', memory: 'm', at: 1, length: PAGE },
      { op: 'protect', memory: 'm', at: PAGE - 1, length: 1, protection: 'read' },
    ];
    const outcomes = await outcomesOf([mmap('m', 3), hole], ops);
    expect(outcomes[1]!.bytes).toBe('00');
    expect(outcomes.map(({ errno, value }) => errno ?? value)).toEqual([
      'ENOMEM',
      0,
      'ENOMEM',
      'EFAULT',
      0,
      0,
      'EINVAL',
      'EINVAL',
    ]);
  });

  it('that lost its name is there for devices, and nobody is told when it changes', async () => {
    const setup = [...withDevice(), map(), mmap('m', 1)];
    const [outcome] = await outcomesOf(setup, [dma('to-memory', IOVA, 8)]);
    expect(outcome).toEqual({ value: 0 });
  });

  it('reads as zeros when private contents are discarded, and keeps shared ones', async () => {
    const discard = (memory: string): Op => ({ op: 'discard', ...page, memory });
    const setup = [mmap('m', 1), mmap('s', 1, { backing: 'shared' })];
    const outcomes = await outcomesOf(setup, [discard('m'), discard('s'), peek('m', 0, 2), peek('s', 0, 2)]);
    expect(outcomes.map(({ bytes }) => bytes)).toEqual([undefined, undefined, '0000', 'ffff']);
    expect(outcomes.every(({ changed }) => changed === undefined)).toBe(true);
  });

  it('is copied by a fork, or shared', async () => {
    const child = { actor: 'child' };
    const setup: Op[] = [
      mmap('m', 1),
      mmap('s', 1, { backing: 'shared' }),
      poke('m', 0, '01'),
      { op: 'fork', as: 'child' },
      poke('m', 0, '02'),
      poke('s', 0, '02'),
      poke('m', 1, '03', child),
    ];
    const outcomes = await outcomesOf(setup, [peek('m', 0, 2, child), peek('m', 0, 2), peek('s', 0, 1, child)]);
    expect(outcomes.map(({ bytes }) => bytes)).toEqual(['0103', '02ff', '02']);
  });

  it('that is not there cannot be used', async () => {
    for (const op of [peek('m', 0, 1), poke('m', 0, '00'), protect('read'), call('c', 0, '')]) {
      expect((await run([op])).end).toBe('unsupported');
    }
  });
});

describe('a file that is cut', () => {
  const truncate = (memory: string, pages: number): Op => ({ op: 'truncate', memory, length: pages * PAGE });
  const setup = [mmap('f', 4, { backing: 'memfd' }), truncate('f', 2)];

  it('cannot be accessed any more from there on, by the process, the kernel and new mappings', async () => {
    const end = 2 * PAGE;
    const ops = [poke('f', end, '00'), peek('f', end - 1, 2), peek('f', end - 1, 1)];
    const vfio = [map({ memory: 'f', size: 4 * PAGE }), map({ memory: 'f', size: end })];
    const copy: Op = {
      op: 'ioctl',
      fd: 'c',
      number: number.VFIO_IOMMU_MAP_DMA!,
      argument: { memory: 'f', at: end - 4 },
    };
    expect(await resultsOf([...withDevice(), ...setup], [...ops, ...vfio, copy])).toEqual([
      'EFAULT',
      'EFAULT',
      0,
      'EFAULT',
      0,
      'EFAULT',
    ]);
  });

  it('stays with the devices that have it, and nobody is told when they store there', async () => {
    const file = mmap('f', 4, { backing: 'file' });
    const before = [...withDevice(), file, map({ memory: 'f', size: 4 * PAGE }), truncate('f', 2)];
    const outcomes = await outcomesOf(before, [dma('to-memory', IOVA + 2 * PAGE, 4), dma('to-memory', IOVA + PAGE, 2)]);
    expect(outcomes).toEqual([{ value: 0 }, { value: 0, changed: [{ memory: 'f', at: PAGE, bytes: '0000' }] }]);
  });

  it('has to be a file of the program, and cannot become longer', async () => {
    expect((await run([mmap('s', 1, { backing: 'shared' }), truncate('s', 0)])).end).toBe('unsupported');
    expect((await run([...setup, truncate('f', 3)])).end).toBe('unsupported');
    expect(await resultsOf(setup, [truncate('f', 0), peek('f', 0, 1)])).toEqual([0, 'EFAULT']);
  });

  it('is cut for every process that has it', async () => {
    const ops: Op[] = [{ op: 'fork', as: 'child' }, truncate('f', 1), peek('f', PAGE, 1, { actor: 'child' })];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, 'EFAULT']);
  });
});

describe('a relocation', () => {
  it('shows as zeros until something else is stored there', async () => {
    const put: Op = {
      op: 'poke',
      memory: 'm',
      at: 0,
      bytes: 'aa'.repeat(10),
      relocations: [{ at: 1, width: 8, ref: 'm' }],
    };
    const outcomes = await outcomesOf([mmap('m', 1)], [put, peek('m', 0, 12), poke('m', 2, 'bb'), peek('m', 0, 12)]);
    expect(outcomes[1]!.bytes).toBe('aa0000000000000000aaffff');
    expect(outcomes[3]!.bytes).toBe('aa00bb000000000000aaffff');
  });

  it('is added to modulo 2^64', async () => {
    const from = (add: number | string): Op => ({
      op: 'ioctl',
      fd: 'c',
      number: number.VFIO_IOMMU_MAP_DMA!,
      argument: {
        memory: 'args',
        at: 0,
        bytes: le(32, 4) + le(READ, 4) + le(0, 8) + le(0, 8) + le(PAGE, 8),
        relocations: [{ at: 8, width: 8, ref: 'm', add }],
      },
    });
    const ops = [from('0xffffffffffff0000'), from('0xfffffffffffff000'), from(-4096), from(4 * PAGE), from('0x1000')];
    expect(await resultsOf(withDevice(), ops)).toEqual(['EFAULT', 'EFAULT', 'EFAULT', 'EFAULT', 0]);
  });
});

describe('the argument of an ioctl', () => {
  it('that cannot be stored gives EFAULT, and no ioctl is made', async () => {
    const setContainerTo = (at: number): Op => ({
      op: 'ioctl',
      fd: 'none',
      number: number.VFIO_GROUP_SET_CONTAINER!,
      argument: { memory: 'm', at, bytes: '00000000' },
    });
    expect(await resultsOf([mmap('m', 1)], [setContainerTo(PAGE - 2), setContainerTo(0)])).toEqual(['EFAULT', 'EBADF']);
  });

  it('can be what another ioctl gave', async () => {
    const setup = [
      ...opened(),
      call('g0', number.VFIO_GROUP_GET_STATUS!, '08000000ffffffff', undefined, {
        save: [{ name: 'flags', at: 4, width: 4 }],
      }),
    ];
    const use: Op = {
      op: 'poke',
      memory: 'm',
      at: 0,
      bytes: '00000000',
      relocations: [{ at: 0, width: 4, ref: 'flags', add: 7 }],
    };
    const through: Op = {
      op: 'ioctl',
      fd: 'g0',
      number: number.VFIO_GROUP_GET_STATUS!,
      argument: { memory: 'm', at: 0 },
    };
    expect(await resultsOf(setup, [use, through, ioctl('g0', number.VFIO_GROUP_GET_STATUS!)])).toEqual([
      0,
      0,
      'EFAULT',
    ]);
  });
});

describe('what has changed', () => {
  it('is told once, in runs that are as short as possible', async () => {
    const setup = [...withDevice(), poke('m', 0, '00ff00ff00'), map({ size: 2 * PAGE })];
    const ops = [dma('to-memory', IOVA, 6), dma('to-memory', IOVA, 6), peek('m', 0, 6)];
    const outcomes = await outcomesOf(setup, ops);
    expect(outcomes[0]!.changed).toEqual([
      { memory: 'm', at: 1, bytes: '00' },
      { memory: 'm', at: 3, bytes: '00' },
      { memory: 'm', at: 5, bytes: '00' },
    ]);
    expect(outcomes[1]!.changed).toBeUndefined();
    expect(outcomes[2]!.bytes).toBe('000000000000');
  });

  it('is one run across the end of a page', async () => {
    const [, outcome] = await outcomesOf(withDevice(), [map({ size: 2 * PAGE }), dma('to-memory', IOVA + PAGE - 1, 2)]);
    expect(outcome!.changed).toEqual([{ memory: 'm', at: PAGE - 1, bytes: '0000' }]);
  });

  it('is compared with what the program stored last', async () => {
    const ops = [map(), dma('to-memory', IOVA, 2), poke('m', 0, 'ff'), dma('to-memory', IOVA, 2)];
    expect((await outcomesOf(withDevice(), ops))[3]!.changed).toEqual([{ memory: 'm', at: 0, bytes: '00' }]);
  });

  it('in a page that cannot be read is told when it can be read again', async () => {
    const ops = [map(), protect('none'), dma('to-memory', IOVA, 1), protect('read')];
    const outcomes = await outcomesOf(withDevice(), ops);
    expect(outcomes.map(({ changed }) => changed?.[0]?.bytes)).toEqual([undefined, undefined, undefined, '00']);
  });

  it('leaves out pages that the program has not stored to, and memory of devices', async () => {
    const fresh = [mmap('fresh', 2, { fill: 'untouched' }), poke('fresh', PAGE, '11')];
    const setup = [...withDevice(), ...fresh, map({ memory: 'fresh', size: 2 * PAGE, flags: WRITE })];
    const ops = [poke('args', 0, '11'), map({ memory: 'args', iova: 0 }), dma('from-memory', 0, 4)];
    const [, , , outcome] = await outcomesOf(setup, [...ops, dma('to-memory', IOVA + PAGE - 2, 4)]);
    expect(outcome!.changed!.every(({ at }) => at >= PAGE)).toBe(true);
    expect(outcome!.changed).toHaveLength(1);
  });
});

describe('mapping a file', () => {
  it('of a device shows registers, which the program cannot get at', async () => {
    const setup: Op[] = [...withDevice(), { op: 'mmap', as: 'bar', length: PAGE, backing: 'fd', fd: 'd' }];
    const ops: Op[] = [peek('bar', 0, 4), poke('bar', 0, '00'), { op: 'discard', memory: 'bar', at: 0, length: PAGE }];
    expect(await resultsOf(setup, ops)).toEqual(['EFAULT', 'EFAULT', 'EINVAL']);
  });

  it('works for the registers of a device, and for /dev/zero', async () => {
    const file = (fd: string, more = {}): Op => ({ op: 'mmap', as: 'x', length: PAGE, backing: 'fd', fd, ...more });
    const setup: Op[] = [
      ...withDevice(),
      { op: 'open', what: 'path', path: '/dev/zero', as: 'zero' },
      { op: 'open', what: 'path', path: '/dev/zero', access: 'read', as: 'ro' },
      { op: 'open', what: 'path', path: '/dev/null', as: 'null' },
    ];
    const ops = [
      file('d'),
      file('d', { offset: 0xf_f000 }),
      file('d', { offset: 0x10_0000 }),
      file('d', { offset: '0x70000000000' }),
      file('d', { offset: 1 }),
      file('zero'),
      file('ro'),
      file('ro', { protection: 'read' }),
      file('null'),
      file('g0'),
      file('none'),
    ];
    expect(await resultsOf(setup, ops)).toEqual([
      0,
      0,
      'EINVAL',
      'EINVAL',
      'EINVAL',
      0,
      'EACCES',
      0,
      'ENODEV',
      'ENODEV',
      'EBADF',
    ]);
  });
});
