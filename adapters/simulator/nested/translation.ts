import { Direction } from '../mm/direction.ts';
import type { Journal } from '../mm/journal.ts';
import type { Page, PhysicalMemory } from '../mm/physical-memory.ts';
import type { Caching } from './caching.ts';

/** Where a page of a request leads. */
export interface Translation {
  page: Page;
  /** Bits of Direction. */
  allowed: number;
}

/** Whether a translation will do for a request. */
export function allows({ allowed }: Translation, write: boolean): boolean {
  return (allowed & (write ? Direction.WRITE : Direction.READ)) !== 0;
}

/** The mappings of a container, as an IOMMU uses them: guest tables and guest addresses are translated by them. */
export interface SecondStage {
  /** The page behind an I/O virtual page, whatever is allowed with it. */
  lookUp(iovaPage: number): Page | undefined;
  /** The same if it may be used in a direction. */
  translate(iovaPage: number, direction: number): Page | undefined;
}

/** What the hardware of a machine shares. */
export interface Hardware {
  readonly physical: PhysicalMemory;
  readonly journal: Journal;
  readonly caching: Caching;
}
