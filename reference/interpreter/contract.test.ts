import { describe, expect, test } from 'vitest';
import {
  access,
  busMaster,
  dmaIn,
  dmaOut,
  invalidateVaddr,
  ioctlValue,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  pattern,
  setContainer,
  setIommu,
  unmap,
  unmapAll,
  updateVaddr,
} from '../../conformance/programs/build.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { ContractData, Step } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Op, Outcome, Program } from '../../spec/uapi/vocabulary.ts';
import { modelEnvironment, runOnModel } from '../model-target.ts';
import { type Contract, compileContract } from './contract.ts';
import type { Defect } from './defect.ts';

const data = loadContract();
const setting = parameterSetting(data, 'type1-6.12');
const slot = { devices: 1, viable: true };
const environment = modelEnvironment({ machine: {}, slots: [slot] });
const ready: Op[] = [
  memory('arg', 1),
  memory('ram', 4),
  openContainer('c'),
  openGroup('g', 'g'),
  setContainer('g', 'c'),
  setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
];
const program = (ops: Op[]): Program => ({ id: 'test', topology: { slots: { g: slot } }, ops });

/** The contract with other steps in one handler. */
function withSteps(handler: string, steps: Step[], more: Partial<ContractData> = {}): ContractData {
  expect(data.handlers.map(({ id }) => id)).toContain(handler);
  return { ...data, ...more, handlers: data.handlers.map((one) => (one.id === handler ? { ...one, steps } : one)) };
}

/** Outcomes of the last ops of a program. */
function outcomes(contract: Contract, before: Op[], ops: Op[]): Outcome[] {
  const result = runOnModel(contract, environment, program([...before, ...ops]));
  expect(result.detail).toBeUndefined();
  return result.outcomes.slice(before.length);
}
const compiled = (handler: string, steps: Step[]): Contract => compileContract(withSteps(handler, steps), setting);
const short = ({ errno, value, fd }: Outcome): string | number | undefined => errno ?? fd ?? Number(value);
const shorts = (contract: Contract, before: Op[], ops: Op[]) => outcomes(contract, before, ops).map(short);

/** Sizes in pages, or errnos, that UNMAPs report. */
function reported(contract: Contract, before: Op[], ops: Op[]): (number | string)[] {
  return outcomes(contract, before, ops).map((outcome, i) => {
    const op = ops[i]!;
    if (outcome.errno || op.op !== 'ioctl' || !('bytes' in op.argument)) return short(outcome)!;
    const block = Buffer.from(op.argument.bytes!, 'hex');
    for (const { at, bytes } of outcome.changed ?? []) block.write(bytes, at, 'hex');
    return block.length === 24 ? Number(block.readBigUInt64LE(16) / 4096n) : short(outcome)!;
  });
}

const dropLock: Op = { op: 'drop_capability', capability: 'ipc_lock' };
const memlock = (count: number): Op => ({ op: 'rlimit', resource: 'memlock', value: count * 0x1000 });

describe('steps', () => {
  const before = [memory('arg', 1), openContainer('c')];
  const refuseGroup: Step = { kind: 'refuse', rule: 'set_iommu_needs_group' };
  const refuseType: Step = { kind: 'refuse', rule: 'set_iommu_type_not_claimed' };
  const wrongType = ioctlValue('c', 'VFIO_SET_IOMMU', 99);

  test('are taken in order: of two that apply, the first decides', () => {
    const last: Step = { kind: 'return', rule: 'set_iommu_returns_zero' };
    expect(shorts(compiled('set_iommu', [refuseGroup, refuseType, last]), before, [wrongType])).toEqual(['EINVAL']);
    expect(shorts(compiled('set_iommu', [refuseType, refuseGroup, last]), before, [wrongType])).toEqual(['ENODEV']);
  });

  test('that do not apply are passed over', () => {
    const contract = compiled('set_iommu', [refuseType, { kind: 'return', rule: 'set_iommu_returns_zero' }]);
    expect(shorts(contract, before, [setIommu('c', 'VFIO_TYPE1_IOMMU')])).toEqual([0]);
  });

  test('after a result are not taken', () => {
    const contract = compiled('set_iommu', [
      { kind: 'return', rule: 'set_iommu_returns_zero' },
      refuseGroup,
      { kind: 'effect', rule: 'set_iommu_creates_backend' },
    ]);
    expect(shorts(contract, before, [wrongType, unmapAll('c')])).toEqual([0, 'EINVAL']);
  });

  test('keep what they did when a later one refuses', () => {
    const contract = compiled('set_iommu', [
      { kind: 'effect', rule: 'set_iommu_creates_backend' },
      refuseGroup,
      { kind: 'return', rule: 'set_iommu_returns_zero' },
    ]);
    expect(shorts(contract, before, [setIommu('c', 'VFIO_TYPE1_IOMMU'), unmapAll('c')])).toEqual(['EINVAL', 0]);
  });

  test('are there only where the parameters select them', () => {
    const steps: Step[] = [
      { ...refuseGroup, when: { bind: 'present' } },
      { ...refuseType, when: { bind: ['absent', 'present'] } },
      { kind: 'return', rule: 'set_iommu_returns_zero' },
    ];
    const contract = compiled('set_iommu', steps);
    expect(shorts(contract, before, [wrongType])).toEqual(['ENODEV']);
    expect(contract.rules.has('set_iommu_type_not_claimed')).toBe(true);
    expect(contract.rules.has('set_iommu_needs_group')).toBe(false);
  });

  test('of profiles differ where the profiles do', () => {
    const foreign: Op[] = [
      memory('arg', 1),
      { op: 'open', what: 'path', path: '/dev/null', as: 'n' },
      openGroup('g', 'g'),
    ];
    const answer = (profile: string) =>
      shorts(compileContract(data, parameterSetting(data, profile)), foreign, [setContainer('g', 'n')]);
    expect(answer('type1-6.1')).toEqual(['EINVAL']);
    expect(answer('type1-6.12')).toEqual(['EBADFD']);
  });

  test('without a result are a Problem that names the handler', () => {
    for (const [handler, steps, op] of [
      ['open_container', [{ kind: 'effect', rule: 'open_container_creates_container' }], openContainer('c')],
      ['get_api_version', [refuseType], ioctlValue('c', 'VFIO_GET_API_VERSION', 1)],
    ] as const) {
      const contract = compiled(handler, [...steps]);
      const run = () => runOnModel(contract, environment, program([openContainer('c'), op]));
      expect(run).toThrow(Problem);
      expect(run).toThrow(`handler ${handler} ends without a result; add a return step to it in handlers/.`);
    }
  });
});

describe('a read', () => {
  const refuse: Step = { kind: 'refuse', rule: 'map_dma_argsz_too_small' };
  const last: Step = { kind: 'return', rule: 'map_dma_returns_zero' };
  const steps = (read: { length?: number; if?: string }): Step[] => [
    { kind: 'read', rule: 'map_dma_reads_argument', from: 0, length: 32, ...read },
    refuse,
    last,
  ];
  /** A MAP_DMA whose last `readable` bytes before an unreadable page hold the argument. */
  const atEnd = (readable: number): Op[] => [
    { op: 'poke', memory: 'arg', at: 4096 - readable, bytes: '20000000' },
    { op: 'ioctl', fd: 'c', number: 0x3b71, argument: { memory: 'arg', at: 4096 - readable } },
  ];

  test('takes exactly its bytes: one that is missing answers its errno', () => {
    expect(shorts(compiled('map_dma', steps({})), ready, atEnd(32))).toEqual([0, 0]);
    expect(shorts(compiled('map_dma', steps({})), ready, atEnd(31))).toEqual([0, 'EFAULT']);
    expect(shorts(compiled('map_dma', steps({ length: 31 })), ready, atEnd(31))).toEqual([0, 0]);
  });

  test('that is not there leaves the argument unseen', () => {
    expect(shorts(compiled('map_dma', [refuse, last]), ready, atEnd(32))).toEqual([0, 'EINVAL']);
  });

  test('with a condition happens only where that holds', () => {
    // map_dma_no_flag holds, for flags are not read yet.
    expect(shorts(compiled('map_dma', steps({ if: 'map_dma_no_flag' })), ready, atEnd(31))).toEqual([0, 'EFAULT']);
    expect(
      shorts(
        compiled('map_dma', [
          { kind: 'read', rule: 'map_dma_reads_argument', from: 0, length: 32, if: 'map_dma_vaddr_flag_with_access' },
          last,
        ]),
        ready,
        atEnd(31),
      ),
    ).toEqual([0, 0]);
  });
});

describe('each', () => {
  const upToPages: Step[] = [
    { kind: 'read', rule: 'map_dma_reads_argument', from: 0, length: 32 },
    { kind: 'refuse', rule: 'map_dma_overlaps' },
  ];
  const afterPages: Step[] = [
    { kind: 'effect', rule: 'map_dma_creates_mapping' },
    { kind: 'return', rule: 'map_dma_returns_zero' },
  ];
  const mapDma = (...steps: Step[]): Contract =>
    compiled('map_dma', [...upToPages, { kind: 'each', over: 'pages', steps }, ...afterPages]);
  const pins: Step = { kind: 'case', rule: 'map_dma_pins_page' };
  const limit: Step = { kind: 'refuse', rule: 'map_dma_memlock_exceeded' };

  test('takes its steps once a page', () => {
    const before = [...ready, dropLock, memlock(2)];
    expect(shorts(mapDma(limit, pins), before, [map('c', 0x1000, 'ram', 0, 2)])).toEqual([0]);
    expect(shorts(mapDma(limit, pins), before, [map('c', 0x1000, 'ram', 0, 3)])).toEqual(['ENOMEM']);
  });

  test('takes the first case that applies, and no further one next to it', () => {
    const before = [...ready, dropLock, memlock(2)];
    const second = map('c', 0x8000, 'ram', 0, 1);
    expect(shorts(mapDma(limit, pins, pins), before, [map('c', 0x1000, 'ram', 0, 1), second])).toEqual([0, 0]);
  });

  test('ends its turn with a case, so that later steps do not see that page', () => {
    const before = [...ready, dropLock, memlock(0)];
    expect(shorts(mapDma(pins, limit), before, [map('c', 0x1000, 'ram', 0, 2)])).toEqual([0]);
    expect(shorts(mapDma(limit, pins), before, [map('c', 0x1000, 'ram', 0, 2)])).toEqual(['ENOMEM']);
  });

  test('goes on to later steps where no case applies', () => {
    const device: Step = { kind: 'case', rule: 'map_dma_device_page_is_not_charged' };
    const before = [...ready, dropLock, memlock(0)];
    expect(shorts(mapDma(device, limit, pins), before, [map('c', 0x1000, 'ram', 0, 1)])).toEqual(['ENOMEM']);
  });

  test('is left by a refusal, with nothing done afterwards', () => {
    const refuse: Step = { kind: 'refuse', rule: 'map_dma_page_not_accessible' };
    const contract = mapDma(refuse, limit, pins);
    // The second page is not there; the charge of the first is given back.
    const before = [...ready, dropLock, memlock(1)];
    const ops = [map('c', 0x1000, 'ram', 0x3000, 2), unmapAll('c'), map('c', 0x1000, 'ram', 0, 1), unmapAll('c')];
    expect(reported(contract, before, ops)).toEqual(['EFAULT', 0, 0, 1]);
  });

  test('does not come to pages after the one that ends it', () => {
    const contract = mapDma({ kind: 'refuse', rule: 'map_dma_page_not_accessible' }, pins);
    const before: Op[] = [...ready, { op: 'protect', memory: 'ram', at: 0x1000, length: 0x1000, protection: 'none' }];
    expect(shorts(contract, before, [map('c', 0x1000, 'ram', 0, 3), map('c', 0x1000, 'ram', 0, 1)])).toEqual([
      'EFAULT',
      0,
    ]);
  });

  test('over the parts of a transfer takes a case for each: mapped bytes move, unmapped ones read as zeros', () => {
    const before: Op[] = [
      ...ready,
      openDevice('g', 'g', 'd'),
      ...busMaster('d'),
      pattern('ram', 0xff8, 8, 1),
      map('c', 0x1000, 'ram', 0, 1),
      map('c', 0x5000, 'ram', 0x2000, 1),
    ];
    const contract = compileContract(data, setting);
    // 8 bytes of the mapped page and 8 beyond it, read; then stored elsewhere.
    const ops = [dmaIn('d', 0x1ff8, 16), dmaOut('d', 0x5000, 16)];
    const expected = Buffer.concat([
      Buffer.from(Array.from({ length: 8 }, (_, i) => 1 + i * 7)),
      Buffer.alloc(8),
    ]).toString('hex');
    expect(outcomes(contract, before, ops)).toEqual([
      { value: 0, fault: 'not_mapped' },
      { value: 0, changed: [{ memory: 'ram', at: 0x2000, bytes: expected }] },
    ]);
    // The other way about: stored over the edge, the second half is dropped.
    expect(outcomes(contract, before, [ops[0]!, dmaOut('d', 0x5ff8, 16)])[1]).toEqual({
      value: 0,
      changed: [{ memory: 'ram', at: 0x2ff8, bytes: expected.slice(0, 16) }],
      fault: 'not_mapped',
    });
  });
});

describe('a case outside each', () => {
  const read: Step = { kind: 'read', rule: 'unmap_dma_reads_argument', from: 0, length: 24 };
  const removes: Step = { kind: 'case', rule: 'unmap_dma_removes_mappings' };
  const write: Step = { kind: 'write', rule: 'unmap_dma_writes_argument', from: 0, length: 24 };
  const last: Step = { kind: 'return', rule: 'unmap_dma_returns_zero' };
  const before = [...ready, map('c', 0x1000, 'ram', 0, 2)];

  test('passes over the cases next to it only', () => {
    const contract = compiled('unmap_dma', [
      read,
      { kind: 'case', rule: 'unmap_dma_invalidates_vaddr' },
      removes,
      write,
      last,
    ]);
    const ops = [invalidateVaddr('c', 0x1000, 2), unmapAll('c')];
    expect(reported(contract, before, ops)).toEqual([2, 2]);
    // Not next to each other, both happen: the mapping is marked, then removed, and counted twice.
    const both = compiled('unmap_dma', [
      read,
      { kind: 'case', rule: 'unmap_dma_invalidates_vaddr' },
      { kind: 'refuse', rule: 'unmap_dma_argsz_too_small' },
      removes,
      write,
      last,
    ]);
    expect(reported(both, before, ops)).toEqual([4, 0]);
  });

  test('with an outcome ends the handler', () => {
    const contract = compileContract(data, setting);
    const ops = [invalidateVaddr('c', 0x1000, 2), updateVaddr('c', 0x1000, 'ram', 0, 2)];
    // What comes after it would have answered EEXIST.
    expect(shorts(contract, before, ops)).toEqual([0, 0]);
  });
});

describe('a write', () => {
  test('that fails answers its errno with what was done kept', () => {
    const contract = compileContract(data, setting);
    const before: Op[] = [
      ...ready,
      map('c', 0x1000, 'ram', 0, 2),
      { op: 'poke', memory: 'arg', at: 0, bytes: '180000000000000000100000000000000020000000000000' },
      { op: 'protect', memory: 'arg', at: 0, length: 0x1000, protection: 'read' },
    ];
    const ops: Op[] = [
      { op: 'ioctl', fd: 'c', number: 0x3b72, argument: { memory: 'arg', at: 0 } },
      { op: 'protect', memory: 'arg', at: 0, length: 0x1000, protection: 'read-write' },
      unmapAll('c'),
    ];
    expect(outcomes(contract, before, ops)[0]).toEqual({ errno: 'EFAULT' });
    expect(reported(contract, before, ops)).toEqual(['EFAULT', 0, 0]);
  });
});

describe('ioctl numbers', () => {
  const contract = compileContract(data, setting);
  const call = (number: number | string): Op => ({ op: 'ioctl', fd: 'c', number, argument: { value: 0 } });

  test('are taken as 32 bits', () => {
    expect(shorts(contract, ready, [call(0x3b64), call('0xffffffff00003b64'), call('0x80003b64')])).toEqual([
      0,
      0,
      'ENOTTY',
    ]);
  });

  test('that nobody knows are answered by kind of descriptor', () => {
    const before = [openContainer('c'), openGroup('g', 'g')];
    const group: Op = { op: 'ioctl', fd: 'g', number: 0x3bff, argument: { value: 0 } };
    expect(shorts(contract, before, [call(0x3bff), group])).toEqual(['EINVAL', 'ENOTTY']);
  });

  test('of which the contract does not speak end the program on the model', () => {
    // FIOASYNC.
    const result = runOnModel(contract, environment, program([...ready, call(0x5452)]));
    expect(result.end).toBe('unsupported');
    expect(result.outcomes).toHaveLength(ready.length);
    expect(result.detail).toMatch(/does not say what happens/);
  });
});

describe('a defect', () => {
  const defective = (rule: string, kind: Defect['kind']) => compileContract(data, setting, { rule, kind });
  const good = compileContract(data, setting);
  const overlap = [map('c', 0x1000, 'ram', 0, 2), map('c', 0x2000, 'ram', 0, 1)];

  test.each<[rule: string, kind: Defect['kind'], ops: Op[], right: unknown[], wrong: unknown[]]>([
    ['map_dma_overlaps', 'outcome', overlap, [0, 'EEXIST'], [0, 'EINVAL']],
    ['map_dma_overlaps', 'removed', overlap, [0, 'EEXIST'], [0, 0]],
    ['map_dma_argsz_too_small', 'outcome', [ioctlOn('ram', 0, '1f')], ['EINVAL'], ['ENOSPC']],
    ['map_dma_returns_zero', 'outcome', overlap.slice(0, 1), [0], [1]],
    ['map_dma_creates_mapping', 'removed', overlap, [0, 'EEXIST'], [0, 0]],
    ['map_dma_reads_argument', 'outcome', [ioctlOn('arg', 4090, '')], ['EFAULT'], ['EINVAL']],
    ['open_group_opens', 'outcome', [openGroup('g', 'again')], ['EBUSY'], ['EBUSY']],
    ['open_group_already_open', 'outcome', [openGroup('g', 'again')], ['EBUSY'], ['EINVAL']],
    ['open_container_returns_descriptor', 'outcome', [openContainer('k')], ['k'], ['EINVAL']],
    ['map_dma_no_flag', 'outcome', overlap, [0, 'EEXIST'], [0, 'EEXIST']],
  ])('of %s (%s) shows where the rule is used, and nowhere else', (rule, kind, ops, right, wrong) => {
    expect(shorts(good, ready, ops)).toEqual(right);
    expect(shorts(defective(rule, kind), ready, ops)).toEqual(wrong);
  });

  test('that takes an effect away leaves the result as it was', () => {
    const ops = [map('c', 0x1000, 'ram', 0, 2), unmapAll('c')];
    expect(reported(good, ready, ops)).toEqual([0, 2]);
    expect(reported(defective('map_dma_creates_mapping', 'removed'), ready, ops)).toEqual([0, 0]);
    expect(shorts(defective('map_dma_creates_mapping', 'removed'), ready, ops)).toEqual([0, 0]);
  });

  test('that takes a write away leaves memory as it was', () => {
    const ops = [map('c', 0x1000, 'ram', 0, 2), unmapAll('c')];
    expect(outcomes(defective('unmap_dma_writes_argument', 'removed'), ready, ops)[1]).toEqual({ value: 0 });
  });

  test('that takes a case away lets the next one apply', () => {
    const before = [...ready, map('c', 0x1000, 'ram', 0, 2)];
    const ops = [invalidateVaddr('c', 0x1000, 2), unmap('c', 0x1000, 2)];
    expect(reported(good, before, ops)).toEqual([2, 2]);
    expect(reported(defective('unmap_dma_invalidates_vaddr', 'removed'), before, ops)).toEqual([2, 0]);
  });

  test('that leaves later steps nothing to work on allows no outcome at all', () => {
    const removed = defective('map_dma_vaddr_update_without_mapping', 'removed');
    const result = runOnModel(removed, environment, program([...ready, updateVaddr('c', 0x1000, 'ram', 0, 1)]));
    expect(result.end).toBe('unsupported');
  });

  test('does not change which rules there are', () => {
    expect([...defective('map_dma_overlaps', 'removed').rules].sort()).toEqual([...good.rules].sort());
  });
});

/** A MAP_DMA whose argument starts at a byte of a memory, with some bytes stored there first. */
function ioctlOn(name: string, at: number, bytes: string): Op {
  const stored = bytes === '' ? {} : { bytes: bytes.padEnd(64, '0') };
  return { op: 'ioctl', fd: 'c', number: 0x3b71, argument: { memory: name, at, ...stored } };
}

test('the rules of a contract are those of the selected steps, conditions to read included', () => {
  const contract = compileContract(data, setting);
  expect(contract.rules.has('unmap_dma_asks_for_dirty_bitmap')).toBe(true);
  expect(contract.rules.has('set_container_foreign_descriptor_ebadfd')).toBe(true);
  expect(contract.rules.has('set_container_foreign_descriptor_einval')).toBe(false);
  for (const rule of contract.rules) expect(data.rules.has(rule), rule).toBe(true);
});

test('access flags of a mapping decide which of its pages must be writable', () => {
  const contract = compileContract(data, setting);
  const before: Op[] = [...ready, { op: 'protect', memory: 'ram', at: 0, length: 0x1000, protection: 'read' }];
  const ops = [
    map('c', 0x1000, 'ram', 0, 1, access.write),
    map('c', 0x1000, 'ram', 0, 1, access.both),
    map('c', 0x1000, 'ram', 0, 1, access.read),
  ];
  expect(shorts(contract, before, ops)).toEqual(['EFAULT', 'EFAULT', 0]);
});

test('what an op did not read of its argument is zeros, not what the op before it left there', () => {
  const contract = compiled('map_dma', [
    { kind: 'refuse', rule: 'map_dma_no_flag' },
    { kind: 'return', rule: 'map_dma_returns_zero' },
  ]);
  const ops = [unmap('c', 0x1000, 1, 7), map('c', 0x1000, 'ram', 0, 1)];
  expect(shorts(contract, ready, ops)).toEqual(['EINVAL', 'EINVAL']);
});
