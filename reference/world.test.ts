import { expect, test } from 'vitest';
import { Problem } from '../spec/uapi/problem.ts';
import { modelEnvironment } from './model-target.ts';
import { World } from './state/state.ts';

const environment = modelEnvironment({ machine: {}, slots: [] });

test.each(['config', 'configWritable', 'configUnknown'] as const)(
  'an environment says all of config space in %s',
  (name) => {
    const device = { ...environment.device, [name]: environment.device[name].slice(2) };
    const make = () => new World({ ...environment, device }, {});
    expect(make).toThrow(Problem);
    expect(make).toThrow(
      `environment default: device.${name} has 255 bytes, and region 7 of the device 256; give as many.`,
    );
  },
);
