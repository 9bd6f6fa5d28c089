// Programs over devices of two models, by the contract itself and by the simulator.
import { expect, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { decide } from '../conformance/assess/verdict.ts';
import * as build from '../conformance/programs/build.ts';
import { readConfig } from '../conformance/programs/device-ops.ts';
import { assignSlots, single } from '../conformance/suites/suite.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { modelAdapter } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Adapter } from '../spec/uapi/adapter.ts';
import type { Op, Program, Slot, Trace } from '../spec/uapi/vocabulary.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));

const express: Slot = { ...single, model: 'edu_express' };
const CONFIG_REGION = 7;

/** What can be seen of how far config space goes. */
const look = (device: string): Op[] => [
  build.ioctlStruct(device, 'VFIO_DEVICE_GET_REGION_INFO', { argsz: 32, index: CONFIG_REGION }),
  { op: 'peek', memory: 'arg', at: 16, length: 8 },
  readConfig(device, 0, 64),
  readConfig(device, 252, 8),
];

const program: Program = {
  id: 'two_models',
  topology: { slots: { plain: single, express } },
  ops: [
    build.memory('arg', 1),
    build.memory('out', 1),
    build.openContainer('c'),
    build.openGroup('plain', 'g'),
    build.openGroup('express', 'h'),
    build.setContainer('g', 'c'),
    build.setContainer('h', 'c'),
    build.setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
    build.openDevice('g', 'plain', 'd'),
    build.openDevice('h', 'express', 'e'),
    ...look('d'),
    ...look('e'),
  ],
};

async function traceOn(adapter: Adapter, slots: Slot[]) {
  const session = await adapter.start({ machine: {}, slots });
  const { environment } = session.description;
  const assigned = assignSlots(program.topology.slots, environment);
  const trace: Trace | undefined = assigned && {
    environment: environment.id,
    program,
    ...(await session.run(program, assigned)),
  };
  await session.stop();
  return { environment, trace };
}

test.each([
  ['the contract', modelAdapter(contract, '1')],
  ['the simulator', simulatorAdapter(contract.parameters)],
])('on %s each device is what the model of its slot says', async (_, adapter) => {
  const { environment, trace } = await traceOn(adapter, [single, express]);
  expect(Object.keys(environment.models!)).toEqual(['edu_express']);
  const [, ofPlain, , pastPlain, , ofExpress, , pastExpress] = trace!.outcomes.slice(10);
  expect([ofPlain, ofExpress]).toEqual([
    { value: 0, bytes: '0001000000000000' },
    { value: 0, bytes: '0010000000000000' },
  ]);
  expect([pastPlain, pastExpress]).toMatchObject([{ errno: 'EFAULT' }, { value: 8 }]);
  expect(decide(contract, environment, trace!, true)).toMatchObject({ verdict: 'pass' });
});

test('a device that is of another model than its slot says is told', async () => {
  const { environment, trace } = await traceOn(simulatorAdapter(contract.parameters), [single, express]);
  const plain = { ...environment, models: { edu_express: environment.device } };
  expect(decide(contract, plain, trace!, true)).toMatchObject({ verdict: 'fail' });
});

test('a model that the environment lacks is named', async () => {
  const { environment, trace } = await traceOn(modelAdapter(contract, '1'), [single, express]);
  const { models: _, ...without } = environment;
  expect(() => decide(contract, without, trace!, true)).toThrow(
    'environment default: a slot has the device model edu_express, and `models` has none of that name; add it.',
  );
});

test('no group is one whose devices are of another model, and none is there of a model that nobody has', async () => {
  const adapter = simulatorAdapter(contract.parameters);
  expect((await traceOn(adapter, [single, single])).trace).toBeUndefined();
  const { environment } = await traceOn(adapter, [single, { ...single, model: 'other' }]);
  expect(Object.keys(environment.slots)).toEqual(['s0']);
});
