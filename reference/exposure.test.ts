import { describe, expect, test } from 'vitest';
import {
  close,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../conformance/programs/build.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { fromBigInt } from '../spec/uapi/integer.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { Op, Slot } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { execute } from './interpreter/execute.ts';
import { modelEnvironment } from './model-target.ts';
import { World } from './state/state.ts';

const data = loadContract();
const { regionStride, configRegion } = uapi.device;
const ATS = 0x0f;
const PAGE_REQUEST = 0x13;
const PASID = 0x1b;
const all = [ATS, PAGE_REQUEST, PASID];
const withoutPasid = [ATS, PAGE_REQUEST];

/** A machine that nests, with devices that are opened under some parameters. */
class Bench {
  readonly world: World;
  private readonly contract;
  private ops = 0;

  constructor(parameters: Record<string, string>, slots: Record<string, Slot>) {
    this.contract = compileContract(data, parameterSetting(data, 'v1-singleton', parameters));
    const machine = { nesting: 'four_levels' } as const;
    this.world = new World(modelEnvironment({ machine, slots: Object.values(slots) }), slots);
    this.run(memory('arg', 1), memory('out', 1));
  }

  run(...ops: Op[]) {
    return ops.map((op) => execute(this.contract, this.world, op, this.ops++, { choose: () => 0 })).at(-1)!;
  }

  /** Puts groups into a container, all at once. */
  attach(...groups: string[]): void {
    this.run(openContainer('c'));
    for (const group of groups) this.run(openGroup(group, group), setContainer(group, 'c'));
    this.run(setIommu('c', 'VFIO_TYPE1_IOMMU'));
  }

  open(group: string, as: string): number[] {
    this.run(openDevice(group, group, as));
    return this.capabilities(as);
  }

  config(device: string): Buffer {
    const length = 0x130;
    this.run({ op: 'pread', fd: device, offset: config(0), memory: 'out', at: 0, length });
    const { output } = this.run({ op: 'peek', memory: 'out', at: 0, length });
    return Buffer.from(output.kind === 'bytes' ? output.bytes : '', 'hex');
  }

  /** The extended capabilities that a user finds. */
  capabilities(device: string): number[] {
    const bytes = this.config(device);
    const found: number[] = [];
    for (let at = 0x100; at !== 0; at = bytes.readUInt32LE(at) >>> 20) {
      if (bytes.readUInt32LE(at) !== 0) found.push(bytes.readUInt16LE(at));
    }
    return found;
  }
}

const config = (at: number) => fromBigInt(BigInt(regionStride) * BigInt(configRegion) + BigInt(at));
const one = { devices: 1, viable: true };
const two = { devices: 2, viable: true };

describe('the capability for PASIDs', () => {
  test.each<[string, string, Record<string, Slot>, number[]]>([
    ['always', 'two groups, one of two', { a: two, b: one }, all],
    ['never', 'one device', { a: one }, withoutPasid],
    ['singleton_group', 'one device', { a: one }, all],
    ['singleton_group', 'a group of two', { a: two }, withoutPasid],
    ['singleton_group', 'two groups of one', { a: one, b: one }, all],
    ['singleton_container', 'one device', { a: one }, all],
    ['singleton_container', 'a group of two', { a: two }, withoutPasid],
    ['singleton_container', 'two groups of one', { a: one, b: one }, withoutPasid],
  ])('%s, %s', (pasid_exposure, _, slots, expected) => {
    // Nobody refuses the second group.
    const bench = new Bench({ pasid_exposure, second_member_at_attach: 'never' }, slots);
    bench.attach(...Object.keys(slots));
    expect(bench.open('a', 'd')).toEqual(expected);
    expect(bench.world.slots.get('a')!.devices[0]!.showsPasid).toBe(expected.includes(PASID));
  });

  test('is decided at the first open, and again only after the last close', () => {
    const bench = new Bench({ second_member_at_attach: 'never' }, { a: one, b: one });
    bench.attach('a', 'b');
    expect(bench.open('a', 'd')).toEqual(withoutPasid);
    bench.run(close('b'));
    expect(bench.open('a', 'again')).toEqual(withoutPasid);
    bench.run(close('d'));
    expect(bench.capabilities('again')).toEqual(withoutPasid);
    bench.run(close('again'));
    expect(bench.world.slots.get('a')!.devices[0]!.showsPasid).toBe(false);
    expect(bench.open('a', 'd')).toEqual(all);
    bench.run(openGroup('b', 'b'), setContainer('b', 'c'));
    expect(bench.open('a', 'again')).toEqual(all);
  });

  test('says how wide they are, and is not there without any', () => {
    const bench = new Bench({ pasid_exposure: 'always' }, { a: { ...one, pasidBits: 16 } });
    bench.attach('a');
    expect(bench.open('a', 'd')).toEqual(all);
    expect(bench.config('d')[0x125]).toBe(16);
    const other = new Bench({ pasid_exposure: 'always' }, { a: { ...one, pasidBits: 0 } });
    other.attach('a');
    expect(other.open('a', 'd')).toEqual([]);
    expect(other.world.slots.get('a')!.devices[0]!.showsPasid).toBe(false);
  });
});

test.each([
  ['always', [ATS, PASID]],
  ['never', [ATS]],
])('the capability for page requests can be hidden, that for PASIDs shown %s', (pasid_exposure, expected) => {
  const bench = new Bench({ pri_exposure: 'never', pasid_exposure }, { a: one });
  bench.attach('a');
  expect(bench.open('a', 'd')).toEqual(expected);
});

test('a hidden capability reads as it is but for the links, and neither a hidden nor a shown one can be written', () => {
  const [shown, hidden] = ['always', 'never'].map((pasid_exposure) => {
    const bench = new Bench({ pasid_exposure }, { a: one });
    bench.attach('a');
    bench.open('a', 'd');
    const before = bench.config('d').subarray(0x100);
    bench.run(
      { op: 'poke', memory: 'arg', at: 0, bytes: 'a5'.repeat(0x30) },
      { op: 'pwrite', fd: 'd', offset: config(0x100), memory: 'arg', at: 0, length: 0x28 },
    );
    expect(bench.config('d').subarray(0x100)).toEqual(before);
    return before;
  });
  const different = [...shown!.keys()].filter((at) => shown![at] !== hidden![at]);
  expect(different).toEqual([0x13]);
  expect(hidden!.subarray(0x20, 0x28).toString('hex')).toBe('1b00010000140000');
});
