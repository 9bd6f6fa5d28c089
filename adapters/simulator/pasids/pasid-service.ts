import type { IommuUnit } from '../iommu/iommu-domain.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import { type ModuleParameters, PASID_QUOTA } from '../module-parameters.ts';
import type { Parameters } from '../parameters.ts';
import { REVISIONS } from '../vtd/driver-revisions.ts';
import type { VtdDriver } from '../vtd/vtd-driver.ts';
import { PASID_COUNT, PasidAllocator } from './pasid-allocator.ts';
import { PasidOwner } from './pasid-owner.ts';

/** Who has which PASIDs of a machine, and what its IOMMU driver does with them. */
export class PasidService {
  readonly allocator = new PasidAllocator();
  /** Undefined for a driver that has no hooks for guest tables. */
  readonly driver: VtdDriver | undefined;
  protected readonly owners = new Map<AddressSpace, PasidOwner>();
  /** PASIDs that no quota promises to anybody. */
  private unpromised = PASID_COUNT;

  constructor(
    parts: { readonly VtdDriver: typeof VtdDriver },
    private readonly parameters: Parameters,
    unit: IommuUnit,
    protected readonly module: ModuleParameters,
  ) {
    const { driver } = parameters;
    if (driver !== 'none') this.driver = new parts.VtdDriver(REVISIONS[driver], unit, parameters, this.allocator);
  }

  /** A backend begins to use PASIDs of an address space; undefined if no more can be promised. */
  join(mm: AddressSpace): PasidOwner | undefined {
    let owner = this.owners.get(mm);
    if (owner === undefined) {
      const quota = this.firstQuota;
      if (this.unpromised < quota) return undefined;
      this.unpromised -= quota;
      owner = new PasidOwner(mm, quota);
      this.owners.set(mm, owner);
    }
    owner.references++;
    return owner;
  }

  /** A backend is gone. With the last one of an address space, all its PASIDs are free. */
  leave(owner: PasidOwner): void {
    if (--owner.references > 0) return;
    for (const pasid of owner.pasids) this.free(pasid);
    this.unpromised += owner.quota;
    this.owners.delete(owner.mm);
  }

  /** Gives out a PASID between two, inclusive; undefined if there is none, or the quota is used up. */
  allocate(owner: PasidOwner, min: number, max: number): number | undefined {
    if (this.parameters.nesting_series === 'as_posted') this.adjust(owner);
    const quota = this.parameters.nesting_series === 'as_posted' ? owner.quota : this.module.pasidQuota;
    return this.usedBy(owner) < quota ? this.allocator.allocate(owner, min, max) : undefined;
  }

  /** Takes a PASID back, whatever it is bound to. */
  free(pasid: number): void {
    this.driver?.freed(pasid);
    this.allocator.free(pasid);
  }

  /** What is promised to an address space that has nothing yet, whatever the parameter says. */
  protected get firstQuota(): number {
    return PASID_QUOTA;
  }

  /** How many PASIDs count against an owner's quota. */
  protected usedBy({ pasids }: PasidOwner): number {
    return pasids.size;
  }

  /** A quota that cannot be granted is not asked for again. */
  private adjust(owner: PasidOwner): void {
    const wanted = this.module.pasidQuota | 0;
    if (owner.wanted === wanted) return;
    owner.wanted = wanted;
    if (wanted < owner.pasids.size || wanted > this.unpromised) return;
    this.unpromised += owner.quota - wanted;
    owner.quota = wanted;
  }
}
