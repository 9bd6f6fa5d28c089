import { expect, test } from 'vitest';
import { modelEnvironment } from '../../../reference/model-target.ts';
import { deviceRegions } from './device-regions.ts';

test('a machine without devices has no regions, and programs are made for it all the same', () => {
  const environment = modelEnvironment({ machine: {}, slots: [] });
  const device = {
    ...environment.device,
    regions: [],
    registers: [],
    config: '',
    configWritable: '',
    configUnknown: '',
  };
  const situation = { id: 'd', about: '', slots: {}, ops: [] } as unknown as Parameters<typeof deviceRegions>[0];
  expect([...deviceRegions(situation, { ...environment, device })].length).toBeGreaterThan(0);
});
