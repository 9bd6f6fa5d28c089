import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  ioctl,
  le,
  leftBy,
  number,
  openDevice,
  outcomesOf,
  PAGE,
  ready,
  resultsOf,
  withDevice,
} from '../test-programs.ts';

const GET_INFO = number.VFIO_DEVICE_GET_INFO!;
const GET_REGION_INFO = number.VFIO_DEVICE_GET_REGION_INFO!;
const GET_IRQ_INFO = number.VFIO_DEVICE_GET_IRQ_INFO!;
const RESET = number.VFIO_DEVICE_RESET!;
const OLD = { parameters: { get_info_written: 'sixteen_or_twenty' } };
const RESETTABLE = { slots: [{ devices: 1, viable: true, resettable: true }] };

const setup = () => [...ready(), openDevice()];
const ask = (request: number, bytes: string, at = 0): Op => ({
  op: 'ioctl',
  fd: 'd',
  number: request,
  argument: { memory: 'args', at, bytes },
});

describe.each([
  ['GET_INFO', GET_INFO, 16],
  ['GET_REGION_INFO', GET_REGION_INFO, 32],
  ['GET_IRQ_INFO', GET_IRQ_INFO, 16],
])('%s of a device', (_, request, size) => {
  it('reads all of its struct before it looks at the size', async () => {
    const ops = [
      ioctl('d', request),
      ask(request, '', PAGE - size + 1),
      ask(request, le(size - 1, 4) + le(0, size - 4)),
    ];
    expect(await resultsOf(setup(), ops)).toEqual(['EFAULT', 'EFAULT', 'EINVAL']);
  });

  it('gives EFAULT where it cannot write', async () => {
    const ops: Op[] = [
      ask(request, le(size, 4) + le(0, size - 4)),
      { op: 'protect', memory: 'args', at: 0, length: PAGE, protection: 'read' },
      { op: 'ioctl', fd: 'd', number: request, argument: { memory: 'args', at: 0 } },
    ];
    expect(await resultsOf(setup(), ops)).toEqual([0, 0, 'EFAULT']);
  });
});

describe('GET_INFO of a device', () => {
  const whole = (argsz: number, flags = 2) => le(argsz, 4) + le(flags, 4) + le(9, 4) + le(5, 4) + le(0, 8);

  it.each([
    [16, 16],
    [17, 17],
    [24, 24],
    [100, 24],
  ])('with a size of %i writes %i bytes', async (argsz, written) => {
    const left = await leftBy(setup(), [ask(GET_INFO, le(argsz, 4))], 30);
    expect(left).toBe(
      whole(argsz)
        .slice(0, 2 * written)
        .padEnd(60, '5a'),
    );
  });

  it.each([
    [19, 16],
    [20, 20],
    [24, 20],
  ])('with a size of %i writes %i bytes with get_info_written=sixteen_or_twenty', async (argsz, written) => {
    const left = await leftBy(setup(), [ask(GET_INFO, le(argsz, 4))], 30, OLD);
    expect(left).toBe(
      whole(argsz)
        .slice(0, 2 * written)
        .padEnd(60, '5a'),
    );
  });

  it('tells whether the device can be reset', async () => {
    expect(await leftBy(setup(), [ask(GET_INFO, le(24, 4))], 24, RESETTABLE)).toBe(whole(24, 3));
  });
});

describe('GET_REGION_INFO', () => {
  const request = (index: number) => le(100, 4) + le(0x99, 4) + le(index, 4) + le(0x1234, 4) + 'aa'.repeat(16);
  const region = (index: number, flags: number, size: number) =>
    le(100, 4) + le(flags, 4) + le(index, 4) + le(0x1234, 4) + le(size, 8) + le(BigInt(index) << 40n, 8);

  it.each([
    [0, 7, 0x10_0000],
    [1, 0, 0],
    [5, 0, 0],
    [6, 0, 0],
    [7, 3, 256],
  ])(
    'tells of region %i the flags %i and the size %i, and keeps the place of a capability',
    async (index, flags, size) => {
      expect(await leftBy(setup(), [ask(GET_REGION_INFO, request(index))], 32)).toBe(region(index, flags, size));
    },
  );

  it.each([8, 9, 0xffff_ffff])('gives EINVAL for region %i', async (index) => {
    expect(await outcomesOf(setup(), [ask(GET_REGION_INFO, request(index))])).toEqual([{ errno: 'EINVAL' }]);
  });
});

describe('GET_IRQ_INFO', () => {
  const request = (index: number) => le(16, 4) + le(0x99, 4) + le(index, 4) + le(0x99, 4);

  it.each([
    [0, 7, 1],
    [1, 9, 1],
    [2, 9, 0],
    [4, 9, 1],
  ])('tells of interrupts %i the flags %i and the count %i', async (index, flags, count) => {
    const reported = le(16, 4) + le(flags, 4) + le(index, 4) + le(count, 4);
    expect(await leftBy(setup(), [ask(GET_IRQ_INFO, request(index))], 16)).toBe(reported);
  });

  it.each([3, 5, 0xffff_ffff])('gives EINVAL for index %i', async (index) => {
    expect(await outcomesOf(setup(), [ask(GET_IRQ_INFO, request(index))])).toEqual([{ errno: 'EINVAL' }]);
  });
});

describe('RESET', () => {
  it('gives EINVAL for a device that cannot be reset alone', async () => {
    expect(await resultsOf(setup(), [ioctl('d', RESET), ioctl('d', RESET, '0xdead0000')])).toEqual([
      'EINVAL',
      'EINVAL',
    ]);
  });

  it('keeps the configuration', async () => {
    const read: Op = { op: 'pread', fd: 'd', offset: '0x70000000004', memory: 'args', at: 0, length: 2 };
    expect(await leftBy(withDevice(), [ioctl('d', RESET), read], 2, RESETTABLE)).toBe('0701');
  });
});

describe('another ioctl of a device', () => {
  it.each([0x3b72, 0x3b73, number.VFIO_DEVICE_BIND_IOMMUFD!, number.VFIO_GROUP_GET_STATUS!, 0x3b7a, 0x5401])(
    'gives ENOTTY for %i',
    async (request) => {
      expect(await resultsOf(setup(), [ioctl('d', request)])).toEqual(['ENOTTY']);
    },
  );
});
