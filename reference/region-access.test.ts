import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emulatedEnvironment, spelledOut } from '../spec/uapi/emulated-machine.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import { Call } from './call/call.ts';
import { firstChoice } from './call/chooser.ts';
import { ArgumentBuffer } from './memory/argument-buffer.ts';
import { accessesOf } from './memory/region-access.ts';
import { configSpace } from './state/config-space.ts';
import { World } from './state/state.ts';

const world = new World(emulatedEnvironment(spelledOut({}), {}), { g: { devices: 1, viable: true } });
const main = world.processes.get('main')!;
main.memory.map({ op: 'mmap', as: 'out', length: 4096 }, false);
const { group, devices } = world.slots.get('g')!;
const device = devices[0]!;
device.start(configSpace(world.environment.device));
const { blocks } = device.space!;

function accesses(region: number, offset: number, length: number, widest: number) {
  const place = region * uapi.device.regionStride + offset;
  const op = { op: 'pread', fd: 'd', offset: `0x${place.toString(16)}`, memory: 'out', at: 0, length } as const;
  const call = new Call(world, main, op, firstChoice, {
    prefersCached: false,
    sizeFirst: false,
    argumentBuffer: new ArgumentBuffer(),
  });
  call.object = { kind: 'device', device, group };
  call.result = length;
  call.region.widestAccess = widest;
  return [...accessesOf(call)];
}

test('accesses follow one another without gaps, aligned, and no wider than they may be', () => {
  const ranges = fc.record({
    region: fc.constantFrom(0, uapi.device.configRegion),
    offset: fc.integer({ min: 0, max: 200 }),
    length: fc.integer({ min: 1, max: 56 }),
    widest: fc.constantFrom(4, 8),
  });
  fc.assert(
    fc.property(ranges, ({ region, offset, length, widest }) => {
      const all = accesses(region, offset, length, widest);
      let next = offset;
      for (const one of all) {
        expect(one.offset).toBe(next);
        expect(one.offset % one.width).toBe(0);
        expect(one.width).toBeLessThanOrEqual(region === 0 ? widest : 4);
        if (region !== 0) expect(blocks[one.offset]).toBe(blocks[one.offset + one.width - 1]);
        next += one.width;
      }
      expect(next).toBe(offset + length);
    }),
  );
});

test.each([
  [0, 0x7c, 12, 8, [4, 8]],
  [0, 0x7c, 12, 4, [4, 4, 4]],
  [0, 0x81, 9, 8, [1, 2, 4, 2]],
  // Over the end of the MSI capability.
  [uapi.device.configRegion, 0x4c, 6, 8, [2, 2, 2]],
])('region %i at %i, %i bytes, at most %i at once', (region, offset, length, widest, widths) => {
  expect(accesses(region, offset, length, widest).map(({ width }) => width)).toEqual(widths);
});
