import type { Mapping } from '../state/state.ts';
import { offsetOf } from './field-offsets.ts';
import type { IoctlArgument } from './ioctl-argument.ts';

const STRUCT = 'vfio_iommu_type1_dma_unmap';
const IOVA = offsetOf(STRUCT, 'iova');
const SIZE = offsetOf(STRUCT, 'size');
const PAGE_SIZE = offsetOf(STRUCT, 'pgsize');
const BITMAP_SIZE = offsetOf(STRUCT, 'bitmap_size');
const DATA = offsetOf(STRUCT, 'data');

/** An UNMAP_DMA or a DIRTY_PAGES, which have range and bitmap at the same places: its argument as far as it was read, and how far it has come. */
export class RangeRequest {
  private readonly argument: IoctlArgument;
  /** The mapping under consideration. */
  mapping: Mapping | undefined;
  /** UNMAP_DMA: bytes removed. */
  unmapped = 0n;

  constructor(argument: IoctlArgument) {
    this.argument = argument;
  }

  get argsz(): number {
    return this.argument.argsz;
  }

  get flags(): number {
    return this.argument.flags;
  }

  get iova(): bigint {
    return this.argument.view.getBigUint64(IOVA, true);
  }

  get size(): bigint {
    return this.argument.view.getBigUint64(SIZE, true);
  }

  /** What a page is for the bitmap; bytes. */
  get pageSize(): bigint {
    return this.argument.view.getBigUint64(PAGE_SIZE, true);
  }

  /** Bytes. */
  get bitmapSize(): bigint {
    return this.argument.view.getBigUint64(BITMAP_SIZE, true);
  }

  /** Address of the bitmap. */
  get bitmapData(): bigint {
    return this.argument.view.getBigUint64(DATA, true);
  }
}
