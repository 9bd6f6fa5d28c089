import type { Page, Region } from '../memory/user-memory.ts';
import { offsetOf } from './field-offsets.ts';
import type { IoctlArgument } from './ioctl-argument.ts';

const STRUCT = 'vfio_iommu_type1_dma_map';
const VADDR = offsetOf(STRUCT, 'vaddr');
const IOVA = offsetOf(STRUCT, 'iova');
const SIZE = offsetOf(STRUCT, 'size');

/** A MAP_DMA: its argument as far as it was read, and how far it has come. */
export class MapRequest {
  private readonly argument: IoctlArgument;
  /** The page under consideration, and those pinned before it. */
  page: { region: Region; index: number } | undefined;
  pinned: Page[] = [];
  /** Pages to be charged. */
  charge = 0;

  constructor(argument: IoctlArgument) {
    this.argument = argument;
  }

  get argsz(): number {
    return this.argument.argsz;
  }

  get flags(): number {
    return this.argument.flags;
  }

  get vaddr(): bigint {
    return this.argument.view.getBigUint64(VADDR, true);
  }

  get iova(): bigint {
    return this.argument.view.getBigUint64(IOVA, true);
  }

  get size(): bigint {
    return this.argument.view.getBigUint64(SIZE, true);
  }
}
