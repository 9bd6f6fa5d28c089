import { expect, it } from 'vitest';
import { Problem } from '../../spec/uapi/problem.ts';
import { settings } from './settings.ts';

const defaults = { accel: 'tcg', memoryMiB: 512, cpus: 1, bootSeconds: 90, programSeconds: 30 };

it('takes what is given, then the environment, then the default', () => {
  expect(settings({}, {})).toEqual(defaults);
  const variables = { VFIO_CONFORM_ACCEL: 'auto', VFIO_CONFORM_MEMORY: '1024' };
  expect(settings({}, variables)).toEqual({ ...defaults, accel: 'auto', memoryMiB: 1024 });
  expect(settings({ accel: 'kvm', memoryMiB: 256 }, variables)).toEqual({
    ...defaults,
    accel: 'kvm',
    memoryMiB: 256,
  });
});

it.each([
  { VFIO_CONFORM_ACCEL: 'fast' },
  { VFIO_CONFORM_MEMORY: '-1' },
  { VFIO_CONFORM_CPUS: '0' },
  { VFIO_CONFORM_BOOT_SECONDS: '1m' },
])('refuses %o', (variables) => {
  expect(() => settings({}, variables)).toThrow(Problem);
});
