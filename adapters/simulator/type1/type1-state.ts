import type { IommuDomain, IommuUnit } from '../iommu/iommu-domain.ts';
import type { IommuGroup } from '../iommu/iommu-group.ts';
import type { ModuleParameters } from '../module-parameters.ts';
import type { Parameters } from '../parameters.ts';
import type { PasidOwner } from '../pasids/pasid-owner.ts';
import type { PasidService } from '../pasids/pasid-service.ts';
import { Lock } from '../steps.ts';
import { DmaList } from './dma-list.ts';

/** A page table of a backend, and the groups that it translates for. */
export interface BackendDomain {
  readonly domain: IommuDomain;
  readonly groups: IommuGroup[];
}

/** A range of I/O virtual pages, inclusive. */
export interface PageRange {
  first: number;
  last: number;
}

/** What all backends of a kernel share. */
export interface Type1Module {
  readonly unit: IommuUnit;
  readonly parameters: Parameters;
  readonly pasids: PasidService;
  /** Parameters of the module, which a user may write at any time. */
  readonly type1: ModuleParameters;
}

/** What a type1 backend keeps. */
export class Type1State {
  readonly lock = new Lock();
  readonly domains: BackendDomain[] = [];
  /** Groups that no IOMMU translates. */
  readonly external: IommuGroup[] = [];
  readonly dmas = new DmaList();
  /** Where mappings may lie; in order. */
  validRanges: PageRange[] = [];
  /** Mappings whose process address has been declared invalid. */
  invalidCount = 0;
  /** Whether each mapping has a bitmap of the pages that devices have written. */
  tracksDirtyPages = false;

  readonly unit: IommuUnit;
  readonly parameters: Parameters;
  readonly pasids: PasidService;
  readonly module: ModuleParameters;
  /** The interface that keeps mappings as they were requested. */
  readonly v2: boolean;
  /** Its page tables can be the second of two stages. */
  readonly nesting: boolean;
  /** Mappings that may still be made. */
  available: number;

  constructor(
    { unit, parameters, pasids, type1: module }: Type1Module,
    type: number,
    /** Whose PASIDs it gives out: the address space that chose it. */
    readonly owner: PasidOwner | undefined,
  ) {
    this.unit = unit;
    this.parameters = parameters;
    this.pasids = pasids;
    this.module = module;
    this.v2 = type !== 1;
    this.nesting = type === 6;
    this.available = module.dmaEntryLimit;
  }
}

/**
 * The state for a handler that calls some functions through a table, so that a defect can put others in their place. A
 * handler names those alone that it calls.
 */
export type WithParts<Parts> = Type1State & { readonly parts: Parts };
