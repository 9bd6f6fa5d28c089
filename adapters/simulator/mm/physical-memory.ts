import { unsupported } from '../result.ts';

/** Bytes of a page, of the CPU as of the IOMMU. */
export const PAGE_SIZE = 4096;

/** A page frame. Its bytes exist from the first store on; before, every byte is `fill`. */
export class Page {
  bytes: Uint8Array | undefined;
  /** How often it is pinned for devices. */
  pins = 0;
  /** Page tables of processes that hold it; above one, a store makes a copy first. */
  tables = 1;

  constructor(
    readonly fill: number,
    /** Not memory that could be charged to anybody: the page of zeros, or a device's registers. */
    readonly reserved: boolean = false,
  ) {}

  /** One byte of the page. */
  load(at: number): number {
    return this.bytes === undefined ? this.fill : this.bytes[at]!;
  }
}

/** Ends the program if a device would get at another's registers. */
export function requireMemory({ reserved, fill }: Page): void {
  if (reserved && fill !== 0) unsupported('a transfer to or from the registers of a device');
}

/** The frames that a program uses; all are given back together. */
export class PhysicalMemory {
  /** The page of zeros, which private memory shows until somebody stores there. */
  readonly zeroPage = new Page(0, true);
  /** A device's registers; their contents are not simulated. */
  readonly registers = new Page(0xff, true);
  private readonly used: Uint8Array[] = [];

  constructor(
    /** Buffers of earlier programs, to be used again. */
    private readonly spare: Uint8Array[] = [],
  ) {}

  /** The bytes of a page, for storing to them. */
  bytesOf(page: Page): Uint8Array {
    if (page.bytes !== undefined) return page.bytes;
    const bytes = this.spare.pop() ?? new Uint8Array(PAGE_SIZE);
    bytes.fill(page.fill);
    this.used.push(bytes);
    page.bytes = bytes;
    return bytes;
  }

  /** A new page with the contents of another. */
  copy(page: Page): Page {
    const copy = new Page(page.fill);
    if (page.bytes !== undefined) this.bytesOf(copy).set(page.bytes);
    return copy;
  }

  /** Ends the use of every page. */
  release(): void {
    for (const bytes of this.used) if (this.spare.length < 1024) this.spare.push(bytes);
    this.used.length = 0;
  }
}
