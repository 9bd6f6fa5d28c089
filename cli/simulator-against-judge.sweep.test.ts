import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { decide } from '../conformance/assess/verdict.ts';
import * as build from '../conformance/programs/build.ts';
import { assignSlots, multi, notViable, single } from '../conformance/suites/suite.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';

const data = loadContract();
/** How many programs, and which; few do only where the seed makes them reach everything below. */
const programs = {
  part: { numRuns: 2_000, seed: 6 },
  whole: { numRuns: 10_000, seed: 20201122 },
}[inject('sweep')];
const slots = { g: single, h: single, m: multi, n: notViable };
const containers = ['c', 'k'];
const groups = Object.keys(slots);
const types = ['VFIO_TYPE1_IOMMU', 'VFIO_TYPE1v2_IOMMU'];
const memories = ['ram', 'readable', 'untouched', 'shared'];

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const container = oneOf(...containers);
const group = oneOf(...groups);
const iova = fc.integer({ min: 0x10, max: 0x18 }).map((page) => page * 0x1000);
const pages = fc.integer({ min: 0, max: 4 });
const place = fc.integer({ min: 0, max: 4 }).map((page) => page * 0x1000);

/** One op, or a few that belong together; names are those that the set-up opens, whether they are still open or not. */
const step: fc.Arbitrary<Op[]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(container, iova, oneOf(...memories), place, pages, oneOf(1, 2, 3))
      .map((all): Op[] => [build.map(...all)]),
  },
  { weight: 5, arbitrary: fc.tuple(container, iova, pages).map(([c, at, n]) => [build.unmap(c, at, n)]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(container, iova, pages)
      .map(([c, at, n]) => [
        build.map(c, at, 'ram', 0, n),
        build.invalidateVaddr(c, at, n),
        build.updateVaddr(c, at, 'shared', 0, n),
      ]),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(container, iova, pages).map(([c, at, n]): Op[] => [build.invalidateVaddr(c, at, n)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(container, iova, place, pages)
      .map(([c, at, from, n]) => [build.updateVaddr(c, at, 'ram', from, n)]),
  },
  { weight: 1, arbitrary: container.map((c) => [build.unmapAll(c)]) },
  { weight: 3, arbitrary: fc.tuple(group, container).map(([g, c]) => [build.setContainer(g, c)]) },
  { weight: 3, arbitrary: fc.tuple(container, oneOf(...types)).map(([c, type]) => [build.setIommu(c, type)]) },
  { weight: 2, arbitrary: oneOf(...containers, ...groups, 'd').map((fd) => [build.close(fd)]) },
  { weight: 1, arbitrary: container.map((c) => [build.openContainer(c)]) },
  { weight: 2, arbitrary: group.map((g) => [build.openGroup(g, g)]) },
  { weight: 2, arbitrary: group.map((g) => [build.openDevice(g, g, 'd'), ...build.busMaster('d')]) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(iova, fc.integer({ min: 1, max: 6000 }))
      .map(([at, n]) => [build.dmaIn('d', at, Math.min(n, 4096))]),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(iova, fc.integer({ min: 1, max: 4096 })).map(([at, n]) => [build.dmaOut('d', at, n)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(oneOf('ram', 'shared', 'untouched'), place, fc.nat(255))
      .map(([to, at, seed]) => [build.pattern(to, at % 0x4000, 32, seed)]),
  },
  { weight: 2, arbitrary: group.map((g) => [build.ioctlNone(g, 'VFIO_GROUP_UNSET_CONTAINER')]) },
  { weight: 2, arbitrary: group.map((g) => [build.getStatus(g)]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(container, fc.integer({ min: 15, max: 130 }))
      .map(([c, argsz]) => [build.getInfo(c, 'info', argsz)]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(container, fc.nat(11))
      .map(([c, extension]): Op[] => [build.ioctlValue(c, 'VFIO_CHECK_EXTENSION', extension)]),
  },
  { weight: 3, arbitrary: container.map((c) => [build.startDirtyTracking(c)]) },
  { weight: 1, arbitrary: container.map((c) => [build.stopDirtyTracking(c)]) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(container, fc.integer({ min: 0, max: 0x18 }), fc.nat(70), fc.nat(0x1010), oneOf(8, 16, 24, 4096))
      .map(([c, at, n, to, bytes]) => [build.getDirtyBitmap(c, at * 0x1000, n, { ref: 'bits', add: to }, bytes)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(container, fc.integer({ min: 0, max: 0x18 }), fc.nat(30), fc.nat(0x1010), oneOf(8, 16))
      .map(([c, at, n, to, bytes]) => [build.unmapDirty(c, at * 0x1000, n, { ref: 'bits', add: to }, bytes)]),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(0x1000), fc.nat(255)).map(([at, seed]): Op[] => [build.pattern('bits', at, 16, seed)]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(oneOf('d', ...containers, ...groups), oneOf('FIOCLEX', 'FIONCLEX'))
      .map(([fd, name]): Op[] => [build.ioctlNone(fd, name), { op: 'close_on_exec', fd }]),
  },
  { weight: 1, arbitrary: fc.constant<Op[]>([build.ioctlNone('d', 'VFIO_DEVICE_RESET')]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(oneOf('ram', 'shared', 'readable'), place, pages)
      .map(([name, at, n]): Op[] => [
        { op: 'lock', memory: name, at: at % 0x4000, length: Math.min(n, 4 - (at % 0x4000) / 0x1000) * 0x1000 },
      ]),
  },
  { weight: 1, arbitrary: fc.nat(6).map((n) => [{ op: 'rlimit', resource: 'memlock', value: n * 0x1000 } as Op]) },
  { weight: 1, arbitrary: fc.constant<Op[]>([{ op: 'drop_capability', capability: 'ipc_lock' } as Op]) },
);

const setUp: Op[] = [
  build.memory('arg', 1),
  build.memory('ram', 4),
  build.memory('readable', 4, { protection: 'read' }),
  build.memory('untouched', 4, { fill: 'untouched' }),
  build.memory('shared', 4, { backing: 'shared' }),
  build.memory('info', 1),
  build.memory('bits', 2),
  { op: 'protect', memory: 'bits', at: 0x1000, length: 0x1000, protection: 'read' },
  ...containers.map((c) => build.openContainer(c)),
  ...groups.map((g) => build.openGroup(g, g)),
];

/** A start from which most steps do something. */
const started: Op[] = [
  build.setContainer('g', 'c'),
  build.setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
  build.openDevice('g', 'g', 'd'),
  ...build.busMaster('d'),
];

test.each([...data.profiles.keys()])('whatever a program does, the simulator does what %s says', async (profile) => {
  const contract = compileContract(data, parameterSetting(data, profile));
  const session = await simulatorAdapter(contract.parameters).start({ machine: {}, slots: Object.values(slots) });
  const { environment } = session.description;
  const assigned = assignSlots(slots, environment)!;
  const deciding = new Set<string>();
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 40, size: 'max' }), (start, steps) => {
      const program: Program = {
        id: 'random',
        topology: { slots },
        ops: [...setUp, ...(start ? started : []), ...steps.flat()],
      };
      const result = session.run(program, assigned);
      if (result instanceof Promise) throw new Error('the simulator answers at once');
      const trace = { environment: environment.id, program, ...result };
      const { verdict, reason, failure, judgement } = decide(contract, environment, trace, true);
      expect({ verdict, reason, failure }).toEqual({ verdict: 'pass' });
      if (judgement.kind === 'conforms') for (const rule of judgement.decided) deciding.add(rule);
    }),
    programs,
  );
  // The programs are worth running: they reach the rules about mappings, in success and failure.
  for (const rule of [
    'map_dma_overlaps',
    'map_dma_memlock_exceeded',
    'map_dma_page_not_accessible',
    'unmap_dma_cuts_first_mapping',
    'map_dma_updates_vaddr',
    'unset_container_device_open',
    'dirty_bitmap_is_written',
    'dirty_pages_get_cuts_last_mapping',
    'get_info_returns_zero',
  ]) {
    // Surroundings of 2020 know neither new addresses nor dirty pages.
    if (data.rules.has(rule) && !contract.rules.has(rule)) continue;
    expect(deciding).toContain(rule);
  }
});
