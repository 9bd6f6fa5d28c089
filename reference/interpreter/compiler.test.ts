import { describe, expect, test } from 'vitest';
import {
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
  unmapAll,
  updateVaddr,
} from '../../conformance/programs/build.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { Step } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { runOnModel } from '../model-target.ts';
import { type Contract, compileContract } from './contract.ts';

import {
  compiled,
  data,
  dropLock,
  environment,
  memlock,
  outcomes,
  program,
  ready,
  reported,
  setting,
  shorts,
} from './test-compiled.ts';

describe('steps', () => {
  const before = [memory('arg', 1), openContainer('c')];
  const refuseGroup: Step = { kind: 'refuse', rule: 'set_iommu_needs_group' };
  const refuseType: Step = { kind: 'refuse', rule: 'set_iommu_type_unsupported' };
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
    expect(contract.rules.has('set_iommu_type_unsupported')).toBe(true);
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
