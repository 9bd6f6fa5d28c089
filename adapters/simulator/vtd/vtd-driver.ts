import type { IommuUnit } from '../iommu/iommu-domain.ts';
import type { IommuDevice } from '../iommu/iommu-group.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import type { DeviceTlb } from '../nested/device-tlb.ts';
import type { NestedTranslation } from '../nested/translation-unit.ts';
import type { Parameters } from '../parameters.ts';
import type { BindData, InvalidateData } from '../pasids/guest-structs.ts';
import { PASID_COUNT, type PasidAllocator } from '../pasids/pasid-allocator.ts';
import { type Errno, ProgramEnd } from '../result.ts';
import { ALLOCATION, type Steps } from '../steps.ts';
import { flush } from './driver-flush.ts';
import type { Revision } from './driver-revisions.ts';

/** Bits of a PASID that the driver wants a device to send. */
const PASID_BITS = 20;

const FORMAT_VTD = 1;
const VERSION = 1;
const GUEST_PASID_VALID = 1n;
/** Flags of a guest table. */
const Vtd = { SUPERVISOR: 0x01n, EXTENDED_ACCESS: 0x02n, MEMORY_TYPES: 0x3cn, ALL: 0x3fn } as const;

/** What is bound to a PASID: the pair of its first bind, and how often on which devices. */
interface Bond {
  readonly mm: AddressSpace;
  readonly gpasid: bigint;
  readonly users: Map<IommuDevice, number>;
}

/** Hooks of the VT-d driver for guest tables, which the core calls for one device at a time. */
export class VtdDriver {
  private readonly bonds = new Map<number, Bond>();

  constructor(
    private readonly revision: Revision,
    private readonly unit: IommuUnit,
    private readonly parameters: Parameters,
    private readonly allocator: PasidAllocator,
  ) {}

  /** Lets a device use a guest table by a PASID; `mm` is the caller's. */
  *bind(device: IommuDevice, data: BindData, mm: AddressSpace): Steps<Errno | undefined> {
    // argument
    const { revision } = this;
    if (!this.hasIommu(device)) return 'EINVAL';
    if (data.version !== VERSION || data.format !== FORMAT_VTD) return 'EINVAL';
    if (revision.argszFirst && (data.argsz! < 72 || (data.vtdFlags & ~Vtd.ALL) !== 0n)) return 'EINVAL';
    if (!this.isPci(device)) return '524';
    if (device.pasids?.bits !== PASID_BITS) return 'EINVAL';
    if (data.hpasid === 0n || data.hpasid >= PASID_COUNT) return 'EINVAL';
    if (revision.checksWidthFirst && data.addressWidth === 57 && !this.walksFiveLevels) return 'EINVAL';

    // state
    const pasid = Number(data.hpasid);
    if (this.allocator.ownerOf(pasid) === undefined) {
      if (revision.faultsWithoutPasid) throw new ProgramEnd('crashed', 'BIND of a PASID that nobody allocated faults.');
      return 'ENOENT';
    }
    const bond = this.bonds.get(pasid);
    if (revision.refusesSamePair && bond?.mm === mm && BigInt.asUintN(64, bond.gpasid) === data.gpasid) return 'EINVAL';
    const users = bond?.users.get(device);
    if (users !== undefined) {
      if (revision.repeated === 'refused') return 'EBUSY';
      bond!.users.set(device, users + 1);
      return undefined;
    }

    // effect
    // What is kept of the PASID, and of the device.
    if (bond === undefined && (yield ALLOCATION)) return 'ENOMEM';
    if (yield ALLOCATION) return 'ENOMEM';
    const errno = this.setUp(device, pasid, data);
    if (errno !== undefined) return errno;
    if (bond !== undefined) bond.users.set(device, 1);
    else {
      const gpasid = data.flags & GUEST_PASID_VALID ? this.keptGuestPasid(data.gpasid) : 0n;
      this.bonds.set(pasid, { mm, gpasid, users: new Map([[device, 1]]) });
    }

    // result
    return undefined;
  }

  /** Takes back one bind of a device. Of the number, only 32 bits are left. */
  unbind(device: IommuDevice, hpasid: bigint): Errno | undefined {
    // argument
    if (!this.hasIommu(device)) return 'EINVAL';
    const pasid = Number(BigInt.asUintN(32, hpasid));
    const { unbound } = this.revision;
    if (unbound === undefined && pasid >= PASID_COUNT) return 'EINVAL';

    // state
    if (this.allocator.ownerOf(pasid) === undefined) return 'ENOENT';
    const bond = this.bonds.get(pasid);
    const users = bond?.users.get(device);
    if (bond === undefined || users === undefined) return unbound;

    // effect
    if (users > 1) bond.users.set(device, users - 1);
    else {
      bond.users.delete(device);
      if (bond.users.size === 0) this.bonds.delete(pasid);
      this.tearDown(device, pasid);
    }

    // result
    return undefined;
  }

  /** Flushes what was cached for a device. */
  invalidate(device: IommuDevice, data: InvalidateData): Errno | undefined {
    // argument
    const { revision } = this;
    const domain = device.group.domain!;
    if (data.version !== VERSION) return 'EINVAL';
    if (!this.hasIommu(device) || !this.isPci(device)) return 'ENODEV';

    // state
    if (revision.needsNesting === 'always' && !domain.isNesting) return 'EINVAL';
    const tlb = device.pasids?.tlb;
    if (revision.needsAts && tlb === undefined) return 'EINVAL';

    // effect
    return this.flush(domain.nested, tlb, data);
  }

  /** Nobody has a PASID any longer. */
  freed(pasid: number): void {
    const bond = this.bonds.get(pasid);
    if (bond === undefined) return;
    this.bonds.delete(pasid);
    if (this.parameters.free_of_bound === 'survives') return;
    for (const device of bond.users.keys()) this.tearDown(device, pasid);
  }

  /** Whether a device is known to use a PASID; a table that outlived its PASID is not known. */
  knows(device: IommuDevice, pasid: number): boolean {
    return this.bonds.get(pasid)?.users.has(device) === true;
  }

  /** Ends what a device has with a PASID, whatever it is. */
  release(device: IommuDevice, pasid: number): void {
    const bond = this.bonds.get(pasid);
    if (bond?.users.delete(device) && bond.users.size === 0) this.bonds.delete(pasid);
    this.tearDown(device, pasid);
  }

  /** The same for every PASID of a device that is about to leave its domain. */
  drop(device: IommuDevice): void {
    for (const pasid of device.pasids?.table.pasids() ?? []) this.release(device, pasid);
  }

  /** Whether guest tables can be bound on a device at all. */
  supports(device: IommuDevice): boolean {
    return (
      device.pasids?.bits === PASID_BITS &&
      this.hasIommu(device) &&
      this.isPci(device) &&
      device.group.domain?.isNesting === true
    );
  }

  /** Enters a guest table into a device's PASID table, if both can have it. */
  private setUp(device: IommuDevice, pasid: number, data: BindData): Errno | undefined {
    // state
    const { revision } = this;
    const { nesting } = this.unit;
    const domain = device.group.domain!;
    const { table } = device.pasids!;
    if ((revision.needsNesting && !domain.isNesting) || nesting === undefined) return 'EINVAL';
    if (table.get(pasid) !== undefined) return 'EBUSY';

    // argument
    if (data.addressWidth !== 48 && !(data.addressWidth === 57 && this.walksFiveLevels)) return 'EINVAL';
    if (data.gpgd >= BigInt(this.unit.lastPage + 1) * 4096n) return 'EINVAL';
    if (data.vtdFlags & Vtd.SUPERVISOR && !nesting.supervisorRequests) return 'EINVAL';
    if (data.vtdFlags & Vtd.EXTENDED_ACCESS && !nesting.extendedAccess) return 'EINVAL';
    const memoryTypes = nesting.memoryTypes && !revision.refusesMemoryTypes;
    if (data.vtdFlags & Vtd.MEMORY_TYPES && !memoryTypes) return 'EINVAL';

    // effect
    table.set(pasid, { root: data.gpgd, levels: data.addressWidth === 57 ? 5 : 4 });
    domain.nested.flushPasidCache(pasid);

    // result
    return undefined;
  }

  /** It is kept as an int. */
  protected keptGuestPasid(gpasid: bigint): bigint {
    return BigInt.asIntN(32, gpasid);
  }

  /** Carries out a request of a device that can be flushed. */
  protected flush(nested: NestedTranslation, tlb: DeviceTlb | undefined, data: InvalidateData): Errno | undefined {
    return flush(this.revision, nested, tlb, data);
  }

  /** Takes an entry out of a device's PASID table, with what was cached of it. */
  protected tearDown({ pasids, group: { domain } }: IommuDevice, pasid: number): void {
    pasids!.table.clear(pasid);
    pasids!.tlb?.flush({ pasid });
    domain?.nested.flushPasidCache(pasid);
    domain?.nested.flushIotlb({ pasid });
  }

  private get walksFiveLevels(): boolean {
    return this.unit.nesting?.levels === 5;
  }

  private hasIommu({ group: { kind } }: IommuDevice): boolean {
    return kind !== 'mediated' || this.parameters.mediated_devices === 'parent_device';
  }

  /** A mediated device that gets this far is the function behind it. */
  private isPci({ group: { kind } }: IommuDevice): boolean {
    return kind !== 'platform';
  }
}
