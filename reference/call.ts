import { uapi } from '../spec/uapi/uapi.ts';
import type { DmaOp, Op } from '../spec/uapi/vocabulary.ts';
import type { WriteAccess } from './region-access.ts';
import type { Description, Mapping, Process, World } from './state.ts';
import type { Page, Region } from './user-memory.ts';

/** Arguments of the slice's structs, decoded from the bytes that the handler has read. */
export interface MapArgument {
  argsz: number;
  flags: number;
  vaddr: bigint;
  iova: bigint;
  size: bigint;
}
export type UnmapArgument = Omit<MapArgument, 'vaddr'>;

/** What a dirty bitmap is asked for; bytes. */
export interface BitmapArgument {
  pageSize: bigint;
  size: bigint;
  data: bigint;
}

/** Offsets of a struct's fields. */
function offsets<Name extends string>(struct: string): Record<Name, number> {
  return Object.fromEntries(uapi.structs[struct]!.fields.map(({ name, at }) => [name, at])) as Record<Name, number>;
}

const MAP = offsets<keyof MapArgument>('vfio_iommu_type1_dma_map');
const UNMAP = offsets<keyof UnmapArgument | 'pgsize' | 'bitmap_size' | 'data'>('vfio_iommu_type1_dma_unmap');
const LONGEST = Math.max(...Object.values(uapi.structs).map(({ size, extended = 0 }) => Math.max(size, extended)));
const block = new Uint8Array(LONGEST);
const view = new DataView(block.buffer);

/** One page of a transfer. */
export interface Segment {
  iova: bigint;
  length: number;
  /** Byte of the device's buffer. */
  buffer: number;
  mapping: Mapping | undefined;
}

/** Bytes in user memory. */
export interface Unspecified {
  address: bigint;
  length: number;
  /** Takes over into the state what they turned out to be: from then on it is known. */
  learn?: (bytes: Uint8Array) => void;
}

/** Picks among the outcomes that the contract leaves open and nobody can see. */
export interface Chooser {
  /** A number from 0 to ways - 1. */
  choose(ways: number): number;
}

/** Takes the first of the ways that are open. */
export const firstChoice: Chooser = { choose: () => 0 };

const nothingPinned: Page[] = [];
const noInfoHeader = { argsz: 0, offset: 0 };
const nothingUnspecified: readonly Unspecified[] = [];

/** One op on its way through a handler: what conditions look at and effects change. */
export class Call {
  readonly world: World;
  readonly process: Process;
  readonly op: Op;
  readonly chooser: Chooser;
  /** What the op's descriptor refers to. */
  object: Description['object'] | undefined;
  /** How the op's descriptor was opened. */
  mode: Description['mode'] = 'read-write';
  /** ioctl: the argument, a value or an address. */
  argument = 0n;
  /** Bytes of the argument that were read. One buffer serves all calls, of which there is never more than one. */
  readonly block = block;
  /** open: what was opened. */
  created: Description['object'] | undefined;
  /** MAP_DMA: the page under consideration, and those pinned before it. */
  page: { region: Region; index: number } | undefined;
  pinned: Page[] = nothingPinned;
  charge = 0;
  /** dma: the part of the transfer under consideration. */
  segment: Segment | undefined;
  /** The number that the op returns, where an effect works it out. */
  result = 0;
  /** GET_INFO: the capabilities. */
  chain: Uint8Array[] | undefined;
  /** GET_INFO: argsz, and the offset of the first capability, as they come back. */
  infoHeader = noInfoHeader;
  /** Bytes from the argument to the end of the last that was written or could not be; what lies elsewhere does not count. */
  extent = 0;
  /** The new descriptor is closed on exec. */
  closeOnExec = false;
  /** The mapping under consideration. */
  mapping: Mapping | undefined;
  /** UNMAP_DMA: bytes removed. */
  unmapped = 0n;
  /** pread, pwrite: the widest access of a device's memory that is made, in bytes. */
  widestAccess = 0;
  /** pwrite: the access to a region under consideration, and of config space the byte. */
  access: WriteAccess | undefined;
  configByte: { at: number; value: number } | undefined;
  /** Bytes, in user memory, whose new contents are not specified. */
  unspecified: readonly Unspecified[] = nothingUnspecified;
  /** The kernel or a device stored in memory. */
  stored = false;
  #map: MapArgument | undefined;
  #unmap: UnmapArgument | undefined;
  #bitmap: BitmapArgument | undefined;

  constructor(world: World, process: Process, op: Op, chooser: Chooser) {
    this.world = world;
    this.process = process;
    this.op = op;
    this.chooser = chooser;
    block.fill(0);
  }

  /** More of the argument was read: what was decoded before is out of date. */
  forgetArgument(): void {
    this.#map = undefined;
    this.#unmap = undefined;
    this.#bitmap = undefined;
  }

  /** The argument of MAP_DMA. */
  get map(): MapArgument {
    this.#map ??= {
      argsz: view.getUint32(MAP.argsz, true),
      flags: view.getUint32(MAP.flags, true),
      vaddr: view.getBigUint64(MAP.vaddr, true),
      iova: view.getBigUint64(MAP.iova, true),
      size: view.getBigUint64(MAP.size, true),
    };
    return this.#map;
  }

  /** The argument of UNMAP_DMA. */
  get unmap(): UnmapArgument {
    this.#unmap ??= {
      argsz: view.getUint32(UNMAP.argsz, true),
      flags: view.getUint32(UNMAP.flags, true),
      iova: view.getBigUint64(UNMAP.iova, true),
      size: view.getBigUint64(UNMAP.size, true),
    };
    return this.#unmap;
  }

  /** Argsz and flags of any argument, and the range of one that has one at the place where UNMAP_DMA has it. */
  get range(): UnmapArgument {
    return this.unmap;
  }

  /** The dirty bitmap of UNMAP_DMA and of DIRTY_PAGES, which have it at the same place. */
  get bitmap(): BitmapArgument {
    this.#bitmap ??= {
      pageSize: view.getBigUint64(UNMAP.pgsize, true),
      size: view.getBigUint64(UNMAP.bitmap_size, true),
      data: view.getBigUint64(UNMAP.data, true),
    };
    return this.#bitmap;
  }

  /** The 32-bit value at the start of the argument. */
  get word(): number {
    return view.getInt32(0, true);
  }

  get transfer(): DmaOp {
    return this.op as DmaOp;
  }
}
