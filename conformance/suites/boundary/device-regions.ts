import { PAGE } from '../../../reference/memory/user-memory.ts';
import { toBigInt } from '../../../spec/uapi/integer.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Environment, Integer, Op, Program } from '../../../spec/uapi/vocabulary.ts';
import { memory } from '../../programs/build.ts';
import { regionAt, writeConfig } from '../../programs/device-ops.ts';
import type { Situation } from './situation.ts';

const { regionStride, regionCount, configRegion, commandRegister } = uapi.device;
/** What a single read of a result takes in memory, in bytes. */
const RESULT = 16;

const pread = (offset: Integer, length: number, to: number): Op => ({
  op: 'pread',
  fd: 'd',
  offset,
  memory: 'out',
  at: to,
  length,
});
const pwrite = (offset: Integer, length: number, from: string, fromAt = 0): Op => ({
  op: 'pwrite',
  fd: 'd',
  offset,
  memory: from,
  at: fromAt,
  length,
});

/** Memory that is all ones, of which what is read must differ to be seen, and memory that is all zeros. */
const memories: Op[] = [memory('out', 4), memory('ones', 1), memory('zeros', 1, { fill: 'untouched' })];
const setMemoryDecode = (on: boolean): Op[] => writeConfig('d', commandRegister, on ? '02' : '00');

/** The ops that get at regions. */
export const regionOps = ['pread', 'pwrite', 'mmap'] as const;

/** One op of each kind, whatever it gets at. */
export const anyAccess: Record<(typeof regionOps)[number], Op> = {
  pread: pread(0, 1, 0),
  pwrite: pwrite(0, 1, 'zeros'),
  mmap: { op: 'mmap', as: 'region', length: PAGE, backing: 'fd', fd: 'd', offset: 0 },
};

/** Reads, writes and mappings of the regions of an open device. Ops of a kind share a program: most of its cost is the opening. */
export function* deviceRegions(situation: Situation, { device }: Environment): Iterable<Program> {
  const { id, slots, ops } = situation;
  const make = (handler: string, what: string, more: Op[]): Program => ({
    id: `boundary/${handler}/${id}/${what}`,
    topology: { slots },
    ops: [memory('arg', 1), ...ops, ...memories, ...more],
  });
  /** A machine without devices has no regions. */
  const sizeOf = (region: number): bigint => toBigInt(device.regions[region]?.size ?? 0);
  for (let region = 0; region <= regionCount; region++) {
    const size = sizeOf(region);
    for (const [label, offset] of offsetsIn(size)) {
      yield make('pread', `region_${region}_at_${label}`, readsOf(regionAt(region, offset)));
      // Nobody knows what a write to any other place of a BAR does.
      if (region === configRegion || size === 0n || offset >= size)
        yield make('pwrite', `region_${region}_at_${label}`, writesOf(regionAt(region, offset)));
    }
    yield make('mmap', `region_${region}`, mappingsOf(region, size));
  }
  yield make('pread', 'far_offsets', farOffsets.flatMap(readsOf));
  yield make('pwrite', 'far_offsets', farOffsets.flatMap(writesOf));
  yield make('mmap', 'offset_not_page_aligned', [
    map('bar', regionAt(0, 1), 1),
    map('beyond', regionAt(regionCount, 2048), 1),
  ]);

  const configSize = Number(sizeOf(configRegion));
  for (const offset of configPlaces(configSize)) {
    yield make('pwrite', `config_at_${offset}`, configWrites(offset, configSize));
  }
  const cutWrites: [string, number, number][] = [
    // From the header into the first capability, and over its end.
    ['config_header', configRegion, 0x3c],
    ['config_capability', configRegion, 0x44],
  ];
  const cutReads: [string, number, number][] = [
    ['config', configRegion, 0],
    ['config_misaligned', configRegion, 1],
    ['config_capability', configRegion, 0x43],
    ['bar_past_the_end', 0, Number(sizeOf(0))],
  ];
  for (const [i, { region, at: place }] of device.registers.entries()) {
    cutReads.push([`register_${i}`, region, place], [`register_${i}_misaligned`, region, place + 4]);
    cutWrites.push([`register_${i}`, region, place]);
    yield make('pwrite', `register_${i}`, registerWrites(region, place));
  }
  for (const [label, region, offset] of cutReads) {
    yield make('pread', `cut_${label}`, readCuts(regionAt(region, offset)));
    if (region !== configRegion)
      yield make('pread', `cut_${label}_without_decode`, [
        ...setMemoryDecode(false),
        ...readCuts(regionAt(region, offset)),
      ]);
  }
  for (const [label, region, offset] of cutWrites) {
    yield make('pwrite', `cut_${label}`, writeCuts(regionAt(region, offset)));
    if (region !== configRegion)
      yield make('pwrite', `cut_${label}_without_decode`, [
        ...setMemoryDecode(false),
        ...writeCuts(regionAt(region, offset)),
        ...setMemoryDecode(true),
        pread(regionAt(region, offset), RESULT, 0),
      ]);
  }
}

/** Offsets at the edges of a region. */
function offsetsIn(size: bigint): [string, bigint][] {
  if (size === 0n) return [['0', 0n]];
  const inside = [0n, 1n, 2n, 3n, 4n, 7n].map((offset): [string, bigint] => [String(offset), offset]);
  const before = [8n, 4n, 3n, 2n, 1n].map((left): [string, bigint] => [`end_less_${left}`, size - left]);
  return [...inside, ...before, ['end', size], ['end_and_1', size + 1n], ['stride_less_1', BigInt(regionStride) - 1n]];
}

/** Offsets outside all regions, and of numbers that overflow. */
const farOffsets: Integer[] = [
  regionAt(regionCount + 1, 0),
  regionAt(255, 0),
  '0x7fffff0000000000',
  '0x7ffffffffffffff0',
  '0x7fffffffffffffff',
  '0x8000000000000000',
  '0xffffffffffffffff',
];

const lengths = [0, 1, 2, 3, 4, 5, 8, 9, 16];

const readsOf = (offset: Integer): Op[] => lengths.map((length, i) => pread(offset, length, i * RESULT));
/** Zeros: an unassigned byte of config space outlives the program. */
const writesOf = (offset: Integer): Op[] => lengths.map((length) => pwrite(offset, length, 'zeros'));

/** Each register of the header and of the first capability, what follows it, and the end. */
function configPlaces(size: number): number[] {
  return [...Array.from({ length: 21 }, (_, i) => i * 4), size - 8, size - 4];
}

/** Ones and then zeros, at and around a register of config space; what is read back shows the neighbours too. */
function configWrites(place: number, size: number): Op[] {
  const from = Math.min(Math.max(place - 4, 0), size - RESULT);
  const ops: Op[] = [];
  let results = 0;
  for (const offset of [place, place + 1, place + 2, place + 3]) {
    for (const length of [1, 2, 3, 4, 6]) {
      for (const value of ['ones', 'zeros']) {
        ops.push(pwrite(regionAt(configRegion, offset), length, value));
        ops.push(pread(regionAt(configRegion, from), RESULT, results++ * RESULT));
      }
    }
  }
  return ops;
}

/** Writes of every width at every byte of a register of 8 bytes; what it held is looked at first. */
function registerWrites(region: number, place: number): Op[] {
  const ops: Op[] = [pread(regionAt(region, place), 8, 0)];
  let results = 1;
  for (let offset = 0; offset < 8; offset++) {
    for (const length of lengths.filter((one) => offset + one <= 8)) {
      ops.push(pwrite(regionAt(region, place), 8, 'zeros'), pwrite(regionAt(region, place + offset), length, 'ones'));
      for (const [from, bytes] of [
        [0, 8],
        [0, 4],
        [4, 4],
      ] as const)
        ops.push(pread(regionAt(region, place + from), bytes, results++ * 8));
    }
  }
  return ops;
}

/** A read into memory that ends after every number of bytes, and into memory of each protection. */
function readCuts(offset: Integer): Op[] {
  const ops: Op[] = [];
  for (let writable = 0; writable <= RESULT; writable++) ops.push(pread(offset, RESULT, 4 * PAGE - writable));
  for (const protection of ['read', 'none', 'write'] as const) {
    ops.push({ op: 'protect', memory: 'out', at: PAGE, length: PAGE, protection });
    for (const to of [PAGE, PAGE - 4, PAGE - 2]) ops.push(pread(offset, 8, to), pread(offset, 0, to));
  }
  return ops;
}

/** A write from memory that ends after every number of bytes, each over zeros; what is read back shows how far it came. */
function writeCuts(offset: Integer): Op[] {
  const ops: Op[] = [];
  for (let readable = 0; readable <= RESULT; readable++) {
    ops.push(pwrite(offset, RESULT, 'ones', PAGE - readable));
    ops.push(pread(offset, RESULT, readable * RESULT), pwrite(offset, RESULT, 'zeros'));
  }
  ops.push({ op: 'protect', memory: 'ones', at: 0, length: PAGE, protection: 'none' }, pwrite(offset, 4, 'ones'));
  return ops;
}

const map = (as: string, offset: Integer, pages: number): Op => ({
  op: 'mmap',
  as,
  length: pages * PAGE,
  backing: 'fd',
  fd: 'd',
  offset,
});

/** Mappings of parts of a region, and of more than there is. */
function mappingsOf(region: number, size: bigint): Op[] {
  const pages = Number(size / BigInt(PAGE));
  const ranges: [number, number][] = [
    [0, 1],
    [0, 2],
    [1, 1],
    [pages - 1, 1],
    [pages - 1, 2],
    [pages, 1],
    [0, pages],
    [0, pages + 1],
    [1, pages],
    [pages + 1, 1],
  ];
  return ranges
    .filter(([first, count]) => first >= 0 && count > 0)
    .map(([first, count], i) => map(`range_${i}`, regionAt(region, BigInt(first) * BigInt(PAGE)), count));
}
