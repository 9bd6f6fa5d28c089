import type { AddressSpace } from '../mm/address-space.ts';

/** What an address space has of PASIDs, shared by all backends that were chosen from it. */
export class PasidOwner {
  readonly pasids = new Set<number>();
  /** Backends that use it. */
  references = 0;
  /** The quota that was last asked for, which may not have been granted. */
  wanted: number;

  constructor(
    readonly mm: AddressSpace,
    /** How many PASIDs it may have. */
    public quota: number,
  ) {
    this.wanted = quota;
  }
}
