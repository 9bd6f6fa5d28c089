import * as build from '../conformance/programs/build.ts';
import { guestTables, tableMemory } from '../conformance/programs/guest-tables.ts';
import { allocPasid, bindTable, taggedIn, unbindTable } from '../conformance/programs/nesting-ops.ts';
import { attach, NESTING, nestingMachine } from '../conformance/programs/nesting-setup.ts';
import type { Need } from '../spec/uapi/adapter.ts';
import type { Name, Op, Slot } from '../spec/uapi/vocabulary.ts';

/** Ops whose cost is asked for, in several rounds, and what has to be in place for them. */
export interface Load {
  need: Need;
  setUp: Op[];
  /** Many times the same, so that there is something to measure where there is little of it. */
  work: Op[];
  rounds: number;
}

/** A kind of load, by how many devices or mappings there are. */
export interface Growth {
  what: string;
  /** The size that others are held against. */
  base: number;
  larger: number[];
  load(size: number): Load;
}

const PAGE = 4096;
/** I/O virtual addresses of mappings lie between this and the interrupts of x86. */
const FIRST = 0x1000_0000;
const ROOT = 0x8000_0000;
const MOST_DEVICES = 64;
/** What a load does at least, over all its rounds: enough to count for more than its set-up. */
const LEAST = 8192;

const mappings = { base: 4096, larger: [16_384, 65_535] };
const pasid = { ref: 'p' };
const roundsOf = (ops: number): number => Math.max(1, Math.ceil(LEAST / ops));
const times = <T>(count: number, one: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));

function nested(groups: Name[]): Op[] {
  return [
    build.memory('arg', 1),
    build.memory('ram', 1),
    build.openContainer('c'),
    ...attach('c', ...groups),
    build.setIommu('c', NESTING),
  ];
}

/** BIND and UNBIND, each of which goes to every device. */
function bind(devices: number): Load {
  const slots = times(
    Math.ceil(devices / MOST_DEVICES),
    (): Slot => ({ devices: Math.min(devices, MOST_DEVICES), viable: true }),
  );
  return {
    need: { machine: nestingMachine, slots },
    setUp: [...nested(slots.map((_, i) => `g${i}`)), allocPasid('c', 'p')],
    work: [bindTable('c', { pasid, root: ROOT }), unbindTable('c', pasid)],
    rounds: roundsOf(devices),
  };
}

const oneDevice: Need = { machine: nestingMachine, slots: [{ devices: 1, viable: true }] };
const withDevice: Op[] = [...nested(['g0']), build.openDevice('g0', 'g0', 'd'), ...build.busMaster('d')];
const iova = (i: number): number => FIRST + i * PAGE;
const mapPages = (count: number): Op[] => times(count, (i) => build.map('c', iova(i), 'ram', 0, 1));

function unmapEach(count: number): Load {
  const work = [...mapPages(count), ...times(count, (i) => build.unmap('c', iova(i), 1))];
  return { need: oneDevice, setUp: withDevice, work, rounds: roundsOf(count) };
}

function unmapAtOnce(count: number): Load {
  const work = [...mapPages(count), build.unmap('c', FIRST, count)];
  return { need: oneDevice, setUp: withDevice, work, rounds: roundsOf(count) };
}

function dma(count: number): Load {
  return {
    need: oneDevice,
    setUp: [...withDevice, ...mapPages(count)],
    work: times(count, (i) => build.dmaIn('d', iova(i), 8)),
    rounds: roundsOf(count),
  };
}

/** The first mapping holds the guest's tables, which lead to all the others and to the page behind the tables. */
function taggedDma(count: number): Load {
  const address = (i: number): number => i * PAGE;
  const layout = { memory: 'guest', base: ROOT };
  const { count: tables } = guestTables({ ...layout, pages: times(count, (i) => ({ address: address(i), to: 0 })) });
  const own = ROOT + tables * PAGE;
  const { ops } = guestTables({
    ...layout,
    pages: times(count, (i) => ({ address: address(i), to: i === 0 ? own : iova(i - 1) })),
  });
  const setUp = [
    ...withDevice,
    tableMemory('guest', tables + 1),
    ...ops,
    build.map('c', ROOT, 'guest', 0, tables + 1),
    ...mapPages(count - 1),
    allocPasid('c', 'p'),
    bindTable('c', { pasid, root: ROOT }),
  ];
  return {
    need: oneDevice,
    setUp,
    work: times(count, (i) => taggedIn('d', pasid, address(i), 8)),
    rounds: roundsOf(count),
  };
}

/** What must not grow faster than n log n. */
export const growths: Growth[] = [
  { what: 'BIND and UNBIND of n devices', base: 256, larger: [1024, 4096], load: bind },
  { what: 'MAP_DMA of n pages, UNMAP_DMA of each', ...mappings, load: unmapEach },
  { what: 'MAP_DMA of n pages, UNMAP_DMA of all at once', ...mappings, load: unmapAtOnce },
  { what: 'DMA to each of n mappings', ...mappings, load: dma },
  { what: 'DMA with a PASID to each of n mappings', ...mappings, load: taggedDma },
];
