import { fromBigInt } from '../../spec/uapi/integer.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type {
  Argument,
  CloseOp,
  IoctlOp,
  MmapOp,
  Name,
  Op,
  OpenOp,
  Protection,
  Relocation,
} from '../../spec/uapi/vocabulary.ts';

/** A field's value: a number, or the address, descriptor or output that a name refers to, plus something. */
export type Value = number | bigint | { ref: Name; add?: number | bigint };

/** Bytes of a struct and the fields that are known only at run time. */
export interface Block {
  bytes: string;
  relocations: Relocation[];
}

/** Lays out a struct of the uapi; fields not given are 0. `extended` adds the part that a flag brings. */
export function layOut(struct: string, values: Record<string, Value>, extended = false): Block {
  const { size, extended: whole, fields } = uapi.structs[struct]!;
  const bytes = Buffer.alloc(extended ? whole! : size);
  const relocations: Relocation[] = [];
  for (const { name, at, width, extended: beyond } of fields) {
    if (beyond && !extended) continue;
    const value = values[name] ?? 0;
    if (typeof value === 'object') relocations.push(relocation(at, width, value));
    else if (width === 8) bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
    else bytes.writeUIntLE(Number(BigInt.asUintN(width * 8, BigInt(value))), at, width);
  }
  return { bytes: bytes.toString('hex'), relocations };
}

function relocation(at: number, width: number, { ref, add = 0 }: { ref: Name; add?: number | bigint }): Relocation {
  if (width !== 4 && width !== 8) throw new Error(`a field of ${width} bytes cannot hold what ${ref} refers to`);
  return add === 0 ? { at, width, ref } : { at, width, ref, add: fromBigInt(BigInt(add)) };
}

/** The argument that is at a place in a memory. */
export function argumentAt(memory: Name, at: number, { bytes, relocations }: Block): Argument {
  return relocations.length ? { memory, at, bytes, relocations } : { memory, at, bytes };
}

/** Request number of an ioctl of the uapi. */
export function number(name: string): number {
  return uapi.ioctls[name]!.number;
}

/** An ioctl with a value for an argument. */
export function ioctlValue(fd: Name, name: string, value: number | bigint): IoctlOp {
  return { op: 'ioctl', fd, number: number(name), argument: { value: fromBigInt(BigInt(value)) } };
}

/** An ioctl that ignores its argument. */
export const ioctlNone = (fd: Name, name: string): IoctlOp => ioctlValue(fd, name, 0);

/** GET_INFO of a container at the start of a memory of 0xff. */
export const getInfo = (container: Name, into: Name, argsz: number): Op => ({
  op: 'ioctl',
  fd: container,
  number: number('VFIO_IOMMU_GET_INFO'),
  argument: argumentAt(into, 0, layOut('vfio_iommu_type1_info', { argsz })),
});
export const getStatus = (group: Name): Op =>
  ioctlStruct(group, 'VFIO_GROUP_GET_STATUS', { argsz: 8, flags: 0xffffffff });

/** An ioctl whose struct is at the start of the memory `arg`. */
export function ioctlStruct(fd: Name, name: string, values: Record<string, Value>): IoctlOp {
  const { struct } = uapi.ioctls[name]!;
  return { op: 'ioctl', fd, number: number(name), argument: argumentAt('arg', 0, layOut(struct!, values)) };
}

/** Memory of a program; one page of the name `arg` holds the arguments of set-up ops. */
export function memory(
  as: Name,
  pages: number,
  more: { protection?: Protection; backing?: MmapOp['backing']; fill?: MmapOp['fill'] } = {},
): MmapOp {
  return { op: 'mmap', as, length: pages * 4096, ...more };
}

export const openContainer = (as: Name): OpenOp => ({ op: 'open', what: 'container', as });
export const openGroup = (slot: Name, as: Name): OpenOp => ({ op: 'open', what: 'group', slot, as });
export const openDevice = (group: Name, slot: Name, as: Name): OpenOp => ({
  op: 'open',
  what: 'device',
  group,
  slot,
  as,
});
export const close = (fd: Name): CloseOp => ({ op: 'close', fd });
export const setContainer = (group: Name, container: Name): IoctlOp =>
  ioctlStruct(group, 'VFIO_GROUP_SET_CONTAINER', { container: { ref: container } });
export const setIommu = (container: Name, type: string): IoctlOp =>
  ioctlValue(container, 'VFIO_SET_IOMMU', uapi.values.extension![type]!);

const mapFlags = uapi.flags.dma_map_flags!;
const unmapFlags = uapi.flags.dma_unmap_flags!;
/** Access that a mapping gives to devices. */
export const access = {
  read: mapFlags.VFIO_DMA_MAP_FLAG_READ!,
  write: mapFlags.VFIO_DMA_MAP_FLAG_WRITE!,
  both: mapFlags.VFIO_DMA_MAP_FLAG_READ! | mapFlags.VFIO_DMA_MAP_FLAG_WRITE!,
};

/** MAP_DMA of `pages` pages from byte `at` of a memory. */
export function map(
  container: Name,
  iova: number | bigint,
  from: Name,
  at: number,
  pages: number,
  flags = access.both,
): IoctlOp {
  const vaddr: Value = { ref: from, add: at };
  return ioctlStruct(container, 'VFIO_IOMMU_MAP_DMA', { argsz: 32, flags, vaddr, iova, size: pages * 4096 });
}

/** UNMAP_DMA of `pages` pages. */
export function unmap(container: Name, iova: number | bigint, pages: number, flags = 0): IoctlOp {
  return ioctlStruct(container, 'VFIO_IOMMU_UNMAP_DMA', { argsz: 24, flags, iova, size: pages * 4096 });
}

/** UNMAP_DMA of [0, 2^63): of everything that can be mapped. */
export const unmapAll = (container: Name): IoctlOp => unmap(container, 0, 2 ** 63 / 4096);
/** The same said by a flag, which not every kernel knows. */
export const unmapAllByFlag = (container: Name): IoctlOp => unmap(container, 0, 0, unmapFlags.VFIO_DMA_UNMAP_FLAG_ALL!);
export const invalidateVaddr = (container: Name, iova: number, pages: number): IoctlOp =>
  unmap(container, iova, pages, unmapFlags.VFIO_DMA_UNMAP_FLAG_VADDR!);
export const updateVaddr = (container: Name, iova: number, from: Name, at: number, pages: number): IoctlOp =>
  map(container, iova, from, at, pages, mapFlags.VFIO_DMA_MAP_FLAG_VADDR!);

const dirtyFlags = uapi.flags.dirty_pages_flags!;
const dirtyPages = (container: Name, values: Record<string, Value>, extended = false): IoctlOp => ({
  op: 'ioctl',
  fd: container,
  number: number('VFIO_IOMMU_DIRTY_PAGES'),
  argument: argumentAt('arg', 0, layOut('vfio_iommu_type1_dirty_bitmap', values, extended)),
});
export const startDirtyTracking = (container: Name): IoctlOp =>
  dirtyPages(container, { argsz: 8, flags: dirtyFlags.VFIO_IOMMU_DIRTY_PAGES_FLAG_START! });
export const stopDirtyTracking = (container: Name): Op =>
  dirtyPages(container, { argsz: 8, flags: dirtyFlags.VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP! });

/** GET_BITMAP of `pages` pages into a bitmap of `bytes` bytes. */
export function getDirtyBitmap(container: Name, iova: number, pages: number, data: Value, bytes = 8): Op {
  const flags = dirtyFlags.VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP!;
  const range = { iova, size: pages * 4096, pgsize: 4096, bitmap_size: bytes, data };
  return dirtyPages(container, { argsz: 48, flags, ...range }, true);
}

/** UNMAP_DMA of `pages` pages that also reports what is dirty. */
export function unmapDirty(container: Name, iova: number, pages: number, data: Value, bytes = 8): Op {
  const flags = unmapFlags.VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP!;
  const range = { iova, size: pages * 4096, pgsize: 4096, bitmap_size: bytes, data };
  const block = layOut('vfio_iommu_type1_dma_unmap', { argsz: 48, flags, ...range }, true);
  return { op: 'ioctl', fd: container, number: number('VFIO_IOMMU_UNMAP_DMA'), argument: argumentAt('arg', 0, block) };
}

const { regionStride, configRegion, commandRegister, commandBusMaster } = uapi.device;
const COMMAND_MEMORY = 0x2;

/** Lets a device start transfers; needs the memory `arg`. */
export function busMaster(device: Name): Op[] {
  const command = commandBusMaster | COMMAND_MEMORY;
  return [
    { op: 'poke', memory: 'arg', at: 0, bytes: Buffer.from([command, 0]).toString('hex') },
    {
      op: 'pwrite',
      fd: device,
      offset: fromBigInt(BigInt(regionStride) * BigInt(configRegion) + BigInt(commandRegister)),
      memory: 'arg',
      at: 0,
      length: 2,
    },
  ];
}

export const dmaIn = (device: Name, iova: number, length: number, at = 0): Op => ({
  op: 'dma',
  device,
  direction: 'from-memory',
  iova,
  length,
  at,
});
export const dmaOut = (device: Name, iova: number, length: number, at = 0): Op => ({
  op: 'dma',
  device,
  direction: 'to-memory',
  iova,
  length,
  at,
});

/** Stores bytes that show where they came from. */
export function pattern(to: Name, at: number, length: number, seed: number): Op {
  const bytes = Buffer.from(Array.from({ length }, (_, i) => (seed + i * 7) & 0xff));
  return { op: 'poke', memory: to, at, bytes: bytes.toString('hex') };
}
