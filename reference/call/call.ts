import { uapi } from '../../spec/uapi/uapi.ts';
import type { Op, TransferFault } from '../../spec/uapi/vocabulary.ts';
import type { Target, WriteAccess } from '../memory/access.ts';
import type { Walk } from '../memory/guest-page-walk.ts';
import type { Page, Region } from '../memory/user-memory.ts';
import type { Device } from '../state/device.ts';
import type { Description, Domain, Mapping, Process, World } from '../state/state.ts';

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
  /** Without a PASID: what the address is mapped to. */
  mapping: Mapping | undefined;
}

/** Bytes in user memory. */
export interface Unspecified {
  address: bigint;
  length: number;
  /** Whether the contract allows what they turned out to be; without it, it allows anything. */
  accepts?: (bytes: Uint8Array) => boolean;
  /** Takes over into the state what they turned out to be: from then on it is known. */
  learn?: (bytes: Uint8Array) => void;
}

/** Picks among the outcomes that the contract leaves open and nobody can see. */
export interface Chooser {
  /** A number from 0 to ways - 1; `likely` is what an implementation would do that takes the programs by their word. */
  choose(ways: number, likely?: number): number;
}

/** Takes the first of the ways that are open. */
export const firstChoice: Chooser = { choose: () => 0 };

/** What stands for a handler where the vocabulary itself says what an op does. */
export const VOCABULARY = 'vocabulary';

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
  /** The handler that speaks of it. */
  handler = VOCABULARY;
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
  /** dma with a PASID: how the segment's address was translated. */
  walk: Walk | undefined;
  /** dma with a PASID: what is mapped with WRITE alone can be read. */
  readsWriteOnly = false;
  /** dma: the first reason why something was not translated. */
  fault: TransferFault | undefined;
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
  /** pread, pwrite: where it goes, once that was asked for. */
  target: Target | undefined;
  /** pread, pwrite: the widest access of a device's memory that is made, in bytes. */
  widestAccess = 0;
  /** pwrite: the access to a region under consideration, and of config space the byte. */
  access: WriteAccess | undefined;
  configByte: { at: number; value: number } | undefined;
  /** Bytes, in user memory, whose new contents are not specified. */
  unspecified: readonly Unspecified[] = nothingUnspecified;
  /** The kernel or a device stored in memory. */
  stored = false;
  /** An allocation within a call of the IOMMU driver may fail. */
  allocationMayFail = false;
  /** The errno that the op answers, where a condition works it out. */
  errno = '';
  /** Calls of the IOMMU driver that the op has made. */
  driverCalls = 0;
  /** The device under consideration, as a request reaches the driver for it, and its domain. */
  device: Device | undefined;
  domain: Domain | undefined;
  /** PASID_REQUEST: the number that is given. */
  pasid = 0;
  /** CACHE_INVALIDATE: the kind of cache under consideration, as the driver sees it. */
  cacheType = 0;
  /** What may be remembered is. */
  insists = false;
  /** The data of BIND and CACHE_INVALIDATE starts with a size of its own. */
  sizeFirst = false;
  #copyFailed = false;
  #map: MapArgument | undefined;
  #unmap: UnmapArgument | undefined;
  #bitmap: BitmapArgument | undefined;
  #decoded: unknown;

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
    this.#decoded = undefined;
  }

  /** Whether the copy that comes next is the one that was told to fail: nobody but the implementation knows which one that is. */
  copyFails(): boolean {
    if (this.#copyFailed || !this.process.injections.some(({ fault }) => fault === 'copy')) return false;
    this.#copyFailed = this.chooser.choose(2) === 1;
    return this.#copyFailed;
  }

  /** Copies [from, from + length) of the argument from user memory; whether all of it could be read. */
  copyIn(from: number, length: number): boolean {
    const address = BigInt.asUintN(64, this.argument + BigInt(from));
    const readable = this.copyFails() ? 0 : this.process.memory.accessible(address, length, 'read');
    this.process.memory.read(address, this.block, from, readable);
    this.forgetArgument();
    return readable === length;
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

  /** The bytes of the argument that were read; what was not is 0. */
  get argumentBytes(): DataView {
    return view;
  }

  /** The argument as a handler's own function decodes it: once, until more of it is read. */
  decoded<Argument>(decode: (call: Call) => Argument): Argument {
    this.#decoded ??= decode(this);
    return this.#decoded as Argument;
  }

  /** The 32-bit value at the start of the argument. */
  get word(): number {
    return view.getInt32(0, true);
  }
}
