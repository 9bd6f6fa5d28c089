import type { Slot } from '../../../spec/uapi/vocabulary.ts';
import type { PasidFunction } from '../nested/pasid-function.ts';
import type { Errno } from '../result.ts';
import type { IommuDomain } from './iommu-domain.ts';

/** What the devices of a group are. */
export type DeviceKind = NonNullable<Slot['kind']>;

/** A device, as far as an IOMMU is concerned. */
export interface IommuDevice {
  readonly group: IommuGroup;
  /** What it has of PASIDs, on a machine that nests. */
  readonly pasids?: PasidFunction | undefined;
  /** Whether its driver shows user space, now, that it has PASIDs. */
  readonly showsPasids: boolean;
}

/** Devices that the IOMMU cannot distinguish: they are translated, and owned, together. */
export class IommuGroup {
  readonly devices: IommuDevice[] = [];
  /** The page table that translates for it, instead of the kernel's own. */
  domain: IommuDomain | undefined;
  private ownerCount = 0;
  private userSpaceOwns = false;

  constructor(
    readonly number: number,
    readonly kind: DeviceKind,
    /** Which IOMMU it is behind. */
    readonly iommu: number,
  ) {}

  /** A page table of somebody else's translates for the group from now on. */
  attach(domain: IommuDomain): void {
    this.domain = domain;
  }

  /** The kernel's own does so again. The devices go with their PASID tables, and with what they kept themselves. */
  detach(): void {
    const { domain } = this;
    this.domain = undefined;
    if (domain?.unit.nesting === undefined) return;
    for (const { pasids } of this.devices) {
      pasids?.table.clearAll();
      pasids?.tlb?.flush();
    }
    domain.nested.flushPasidCache();
  }

  /** User space takes the group's DMA: nobody else may have it. */
  claimDmaOwner(): Errno | undefined {
    if (this.ownerCount > 0) return 'EPERM';
    this.ownerCount = 1;
    this.userSpaceOwns = true;
    return undefined;
  }

  releaseDmaOwner(): void {
    this.ownerCount = 0;
    this.userSpaceOwns = false;
  }

  /** A kernel driver uses the group's DMA, next to other kernel drivers. */
  useDefaultDomain(): Errno | undefined {
    if (this.userSpaceOwns) return 'EBUSY';
    this.ownerCount++;
    return undefined;
  }

  unuseDefaultDomain(): void {
    this.ownerCount--;
  }

  /** Whether anybody has the group's DMA. */
  get dmaOwnerClaimed(): boolean {
    return this.ownerCount > 0;
  }
}
