import type { NestingAbility } from '../../../spec/uapi/vocabulary.ts';
import { Direction } from '../mm/direction.ts';
import type { Page } from '../mm/physical-memory.ts';
import { NestedTranslation } from '../nested/translation-unit.ts';

interface Translation {
  page: Page;
  /** Bits of Direction. */
  allowed: number;
}

/** Properties of an IOMMU. */
export interface IommuUnit {
  /** Last page that it translates. */
  readonly lastPage: number;
  /** Ranges of pages, inclusive, that it uses itself. */
  readonly reserved: readonly { first: number; last: number }[];
  /** Sizes of the pages that it translates, one bit each. */
  readonly pageSizes: number;
  readonly interruptRemapping: boolean;
  readonly snoopControl: boolean;
  /** Whether its page tables let a device read what it may only write. */
  readonly writeImpliesRead: boolean;
  /** What it does with guest page tables; undefined if it cannot nest. */
  readonly nesting: NestingAbility | undefined;
}

/** A page table of the IOMMU driver. */
export class IommuDomain {
  /** Translates requests with a PASID; their addresses end up in this table. */
  readonly nested = new NestedTranslation(this);
  private readonly table = new Map<number, Translation>();

  constructor(
    readonly unit: IommuUnit,
    /** Which IOMMU it belongs to. */
    readonly iommu: number,
    /** Whether it was made to be the second of two stages. */
    readonly isNesting: boolean,
  ) {}

  /** Whether it keeps devices from bypassing the caches of the CPU. */
  get enforcesCoherency(): boolean {
    return this.unit.snoopControl;
  }

  map(iovaPage: number, page: Page, allowed: number): void {
    const readable = this.unit.writeImpliesRead && allowed & Direction.WRITE ? Direction.READ : 0;
    this.table.set(iovaPage, { page, allowed: allowed | readable });
  }

  /** Removes a translation; gives the page that was behind it. */
  unmap(iovaPage: number): Page | undefined {
    const translation = this.table.get(iovaPage);
    this.table.delete(iovaPage);
    return translation?.page;
  }

  /** The page behind an I/O virtual page, whatever is allowed with it. */
  lookUp(iovaPage: number): Page | undefined {
    return this.table.get(iovaPage)?.page;
  }

  /** The page that a device gets at; undefined when the IOMMU blocks it. */
  translate(iovaPage: number, direction: number): Page | undefined {
    const translation = this.table.get(iovaPage);
    return translation !== undefined && translation.allowed & direction ? translation.page : undefined;
  }
}
