import type { ProgramResult, Session } from '../../spec/uapi/adapter.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Integer, IoctlOp, Machine, Op, Outcome, Relocation, Slot } from '../../spec/uapi/vocabulary.ts';
import { simulatorAdapter } from './adapter.ts';
import type { SimulatorDefect } from './defects/defect.ts';

/** What the tests of the simulator are written with: short ways to write ops, and to run them. */

export const PAGE = 4096;
export const READ = 1;
export const WRITE = 2;
export const VADDR = 4;
export const GET_DIRTY = 1;
export const ALL = 2;

/** Numbers of requests. */
export const number = Object.fromEntries(Object.entries(uapi.ioctls).map(([name, ioctl]) => [name, ioctl.number]));

const ORDINARY: Slot = { devices: 1, viable: true };

/** The machine on which a program of a test runs. */
export interface Stage {
  slots?: Slot[];
  machine?: Machine;
  parameters?: Record<string, string>;
  defect?: SimulatorDefect;
}

/** Starts a simulator. */
export function start({
  slots = [ORDINARY, ORDINARY],
  machine = {},
  parameters,
  defect,
}: Stage = {}): Promise<Session> {
  return simulatorAdapter(parameters, 'sim', defect).start({ machine, slots });
}

/** Runs ops as a program whose slots are g0, g1, ... */
export async function run(ops: Op[], stage: Stage = {}): Promise<ProgramResult> {
  const slots = stage.slots ?? [ORDINARY, ORDINARY];
  const session = await start(stage);
  const topology = { slots: Object.fromEntries(slots.map((slot, i) => [`g${i}`, slot])) };
  return session.run(
    { id: 'test', topology, ops },
    Object.fromEntries(slots.map((_, i) => [`g${i}`, `s${i}`])),
  ) as ProgramResult;
}

/** What each op gave, as a number, the name of a descriptor, or an errno. */
export function answers(outcomes: Outcome[]): (Integer | undefined)[] {
  return outcomes.map(({ value, fd, errno }) => errno ?? fd ?? value);
}

/** Runs ops after a setup, and gives what they gave, without the setup. */
export async function resultsOf(setup: Op[], ops: Op[], stage?: Stage): Promise<(Integer | undefined)[]> {
  return answers(await outcomesOf(setup, ops, stage));
}

/** Runs ops after a setup, which has to work, and gives their outcomes, without the setup. */
export async function outcomesOf(setup: Op[], ops: Op[], stage?: Stage): Promise<Outcome[]> {
  const { end, outcomes, detail } = await run([...setup, ...ops], stage);
  if (end !== 'completed') throw new Error(`${end}: ${detail}`);
  const failed = outcomes.slice(0, setup.length).findIndex(({ errno }) => errno !== undefined);
  if (failed >= 0) throw new Error(`op ${failed} of the setup: ${outcomes[failed]!.errno}`);
  return outcomes.slice(setup.length);
}

/** A number, little endian, in hexadecimal. */
export function le(value: number | bigint, width: number): string {
  let hex = '';
  let rest = BigInt.asUintN(width * 8, BigInt(value));
  for (let i = 0; i < width; i++, rest >>= 8n) hex += (rest & 0xffn).toString(16).padStart(2, '0');
  return hex;
}

/** An integer of the vocabulary. */
export function integer(value: number | bigint): Integer {
  return value <= 0x8000_0000 ? Number(value) : `0x${BigInt(value).toString(16)}`;
}

export const mmap = (as: string, pages: number, more: object = {}): Op => ({
  op: 'mmap',
  as,
  length: pages * PAGE,
  ...more,
});
export const openContainer = (as = 'c', more: object = {}): Op => ({ op: 'open', what: 'container', as, ...more });
export const openGroup = (slot = 'g0', as = slot, more: object = {}): Op => ({
  op: 'open',
  what: 'group',
  slot,
  as,
  ...more,
});
export const openDevice = (as = 'd', group = 'g0', more: object = {}): Op => ({
  op: 'open',
  what: 'device',
  slot: group,
  group,
  as,
  ...more,
});
export const close = (fd: string, more: object = {}): Op => ({ op: 'close', fd, ...more });

/** An ioctl with a value as its argument. */
export const ioctl = (fd: string, request: number, value: Integer = 0, more: object = {}): IoctlOp => ({
  op: 'ioctl',
  fd,
  number: request,
  argument: { value },
  ...more,
});

/** An ioctl with bytes in the memory `args` as its argument. */
export function call(fd: string, request: number, bytes: string, relocations?: Relocation[], more: object = {}): Op {
  return { op: 'ioctl', fd, number: request, argument: { memory: 'args', at: 0, bytes, relocations }, ...more };
}

export const setContainer = (group = 'g0', container = 'c', more: object = {}): Op =>
  call(group, number.VFIO_GROUP_SET_CONTAINER!, '00000000', [{ at: 0, width: 4, ref: container }], more);
export const unsetContainer = (group = 'g0'): Op => ioctl(group, number.VFIO_GROUP_UNSET_CONTAINER!);
export const setIommu = (type: Integer = 3, container = 'c'): Op => ioctl(container, number.VFIO_SET_IOMMU!, type);

/** The fields of a MAP_DMA; without `vaddr`, the address of the memory `m`. */
export interface MapFields {
  argsz?: number;
  flags?: number;
  vaddr?: number | bigint;
  iova?: number | bigint;
  size?: number | bigint;
  memory?: string;
  memoryAt?: number;
  fd?: string;
}

/** MAP_DMA of one page of the memory `m` at 1 MiB, unless told otherwise. */
export function map(fields: MapFields = {}, more: object = {}): Op {
  const { argsz = 32, flags = READ | WRITE, vaddr, iova = 0x10_0000, size = PAGE } = fields;
  const { memory = 'm', memoryAt = 0, fd = 'c' } = fields;
  const bytes = le(argsz, 4) + le(flags, 4) + le(vaddr ?? 0, 8) + le(iova, 8) + le(size, 8);
  const relocations: Relocation[] = vaddr === undefined ? [{ at: 8, width: 8, ref: memory, add: memoryAt }] : [];
  return call(fd, number.VFIO_IOMMU_MAP_DMA!, bytes, relocations, more);
}

/** The fields of an UNMAP_DMA, and bytes that follow them. */
export interface UnmapFields {
  argsz?: number;
  flags?: number;
  iova?: number | bigint;
  size?: number | bigint;
  tail?: string;
  fd?: string;
}

/** UNMAP_DMA of one page at 1 MiB, unless told otherwise. The size that comes back is saved as `size`. */
export function unmap(fields: UnmapFields = {}, more: object = {}): Op {
  const { argsz = 24, flags = 0, iova = 0x10_0000, size = PAGE, tail = '', fd = 'c' } = fields;
  const bytes = le(argsz, 4) + le(flags, 4) + le(iova, 8) + le(size, 8) + tail;
  return call(fd, number.VFIO_IOMMU_UNMAP_DMA!, bytes, undefined, {
    save: [{ name: 'size', at: 16, width: 8 }],
    ...more,
  });
}

/** UNMAP_DMA of everything. */
export const unmapAll = (fd = 'c'): Op => unmap({ flags: ALL, iova: 0, size: 0, fd });

/** Stores the device's command register. */
export function setCommand(value: number, device = 'd'): Op[] {
  return [
    { op: 'poke', memory: 'args', at: 64, bytes: le(value, 2) },
    { op: 'pwrite', fd: device, offset: '0x70000000004', memory: 'args', at: 64, length: 2 },
  ];
}

/** Where a place in a region of a device is in its file. */
const inRegion = (region: number, at: number): Integer =>
  integer(BigInt(region) * BigInt(uapi.device.regionStride) + BigInt(at));

/** Reads from a region of the device `d` into the memory `args`. */
export const readRegion = (region: number, at: number, length: number, to = 0): Op => ({
  op: 'pread',
  fd: 'd',
  offset: inRegion(region, at),
  memory: 'args',
  at: to,
  length,
});

/** Writes bytes to a region of the device `d`, from the memory `args`. */
export const writeRegion = (region: number, at: number, bytes: string): Op[] => [
  { op: 'poke', memory: 'args', at: 256, bytes },
  { op: 'pwrite', fd: 'd', offset: inRegion(region, at), memory: 'args', at: 256, length: bytes.length / 2 },
];

/** What is in the memory `args` after some ops that follow a setup; first, it is filled with 5a. */
export async function leftBy(setup: Op[], ops: Op[], length: number, stage?: Stage): Promise<string> {
  const filled = poke('args', 0, '5a'.repeat(length));
  const outcomes = await outcomesOf([...setup, filled], [...ops, peek('args', 0, length)], stage);
  return outcomes.at(-1)!.bytes!;
}

/** A transfer of the device. */
export const dma = (
  direction: 'from-memory' | 'to-memory',
  iova: Integer,
  length: number,
  at = 0,
  more: object = {},
): Op => ({ op: 'dma', device: 'd', direction, iova, length, at, ...more });

export const poke = (memory: string, at: number, bytes: string, more: object = {}): Op => ({
  op: 'poke',
  memory,
  at,
  bytes,
  ...more,
});
export const peek = (memory: string, at: number, length: number, more: object = {}): Op => ({
  op: 'peek',
  memory,
  at,
  length,
  ...more,
});

/** Memory `args` for arguments and `m` to map, a container `c` and the group `g0`, both open. */
export const opened = (): Op[] => [mmap('args', 1), mmap('m', 4), openContainer(), openGroup()];
/** The group is in the container. */
export const attached = (): Op[] => [...opened(), setContainer()];
/** The container has a backend. */
export const ready = (type = 3): Op[] => [...attached(), setIommu(type)];
/** The device `d` is open, and may transfer. */
export const withDevice = (type = 3): Op[] => [...ready(type), openDevice(), ...setCommand(0x0107)];
