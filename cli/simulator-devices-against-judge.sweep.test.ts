import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { decide } from '../conformance/assess/verdict.ts';
import * as build from '../conformance/programs/build.ts';
import * as device from '../conformance/programs/device-ops.ts';
import { assignSlots, single } from '../conformance/suites/suite.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';

const data = loadContract();
/** Programs for each setting. */
const numRuns = { part: 1_000, whole: 5_000 }[inject('sweep')];
const slots = { g: single, r: { ...single, resettable: true } };
const fds = ['g_device', 'g_again', 'r_device'];
const { intx, msi, request } = device.interrupt;

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const fd = oneOf(...fds);
const bytes = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((some) => Buffer.from(some).toString('hex'));
const event = oneOf<string | number>('event', 'other', 'g_device', -1, -2, 999);
const action = oneOf<'mask' | 'unmask' | 'trigger'>('mask', 'unmask', 'trigger', 'trigger');
const index = oneOf(intx, intx, msi, msi, request, 2, 3, 5);
/** Offsets in config space, most of them where something happens. */
const configOffset = fc.oneof(fc.nat(0x104), oneOf(4, 4, 5, 6, 0x0c, 0x10, 0x13, 0x3c, 0x40, 0x41, 0x42, 0x43, 0x44));
/** Registers that raise and acknowledge an interrupt, and those of 8 bytes. */
const register = oneOf(0x60, 0x64, 0x80, 0x82, 0x84, 0x88, 0xfffff, 0x100000);
const command = oneOf('0600', '0604', '0200', '0400', '0000', '0700', '06');

/** One op, or a few that belong together. */
const step: fc.Arbitrary<Op[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fd, index, action, oneOf(0, 1, 1, 1, 2), event)
      .map(([one, which, what, count, by]): Op[] => [
        device.setIrqs(one, { index: which, action: what, count, event: by }),
      ]),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fd, index, action, oneOf(0, 1, 1), oneOf(true, false, undefined))
      .map(([one, which, what, count, on]): Op[] => [
        device.setIrqs(one, { index: which, action: what, count, ...(on !== undefined && { on }) }),
      ]),
  },
  { weight: 3, arbitrary: fd.map((one) => device.raiseInterrupt(one)) },
  { weight: 2, arbitrary: fd.map((one) => device.acknowledgeInterrupt(one)) },
  { weight: 4, arbitrary: oneOf('event', 'other').map((one) => [device.readEvent(one)]) },
  {
    weight: 5,
    arbitrary: fc.tuple(fd, configOffset, bytes).map(([one, at, some]) => device.writeConfig(one, at, some)),
  },
  { weight: 3, arbitrary: fc.tuple(fd, command).map(([one, some]) => device.writeConfig(one, 4, some)) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fd, configOffset, fc.nat(40), fc.nat(60))
      .map(([one, at, length, to]): Op[] => [device.readConfig(one, at, length, to)]),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fd, register, bytes).map(([one, at, some]) => device.writeRegion(one, 0, at, some)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fd, oneOf(0x80, 0x84, 0x88, 0xffffc), oneOf(1, 4, 8, 12))
      .map(([one, at, length]): Op[] => [device.readRegion(one, 0, at, length, 64)]),
  },
  { weight: 1, arbitrary: fd.map((one): Op[] => [build.ioctlNone(one, 'VFIO_DEVICE_RESET')]) },
  { weight: 1, arbitrary: fd.map((one): Op[] => [build.close(one)]) },
  { weight: 1, arbitrary: oneOf('g', 'r').map((one): Op[] => [build.openDevice(one, one, `${one}_device`)]) },
);

const setUp: Op[] = [
  build.memory('arg', 1),
  build.memory('out', 1),
  build.openContainer('c'),
  build.openGroup('g', 'g'),
  build.openGroup('r', 'r'),
  build.setContainer('g', 'c'),
  build.setContainer('r', 'c'),
  build.setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
  build.openDevice('g', 'g', 'g_device'),
  build.openDevice('g', 'g', 'g_again'),
  build.openDevice('r', 'r', 'r_device'),
  device.openEvent('event'),
  device.openEvent('other'),
];

test.each([...data.profiles.keys()])(
  'whatever is done to devices, the simulator does what %s says',
  async (profile) => {
    const contract = compileContract(data, parameterSetting(data, profile));
    const session = await simulatorAdapter(contract.parameters).start({ machine: {}, slots: Object.values(slots) });
    const { environment } = session.description;
    const assigned = assignSlots(slots, environment)!;
    const reached = new Set<string>();
    let judged = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30, size: 'max' }), (steps) => {
        const program: Program = { id: 'random', topology: { slots }, ops: [...setUp, ...steps.flat()] };
        const result = session.run(program, assigned);
        if (result instanceof Promise) throw new Error('the simulator answers at once');
        const trace = { environment: environment.id, program, ...result };
        const { verdict, failure, judgement } = decide(contract, environment, trace, true);
        expect({ verdict: verdict === 'fail' ? verdict : 'fine', failure }).toEqual({ verdict: 'fine' });
        if (judgement.kind !== 'conforms') return;
        judged++;
        for (const rule of [...judgement.decided, ...judgement.passed]) reached.add(rule);
      }),
      { numRuns, seed: 20201122 },
    );
    // Few programs run into what the contract leaves open, and the others are worth running.
    expect(judged).toBeGreaterThan(numRuns / 2);
    for (const rule of [
      'set_irqs_sets_eventfd',
      'set_irqs_signals',
      'set_irqs_not_enabled',
      'config_access_past_the_end',
    ])
      expect(reached).toContain(rule);
  },
);
