import type { Process } from '../files/file-table.ts';
import type { IommuDomain, IommuUnit } from '../iommu/iommu-domain.ts';
import type { IommuGroup } from '../iommu/iommu-group.ts';
import type { Kernel } from '../kernel.ts';
import { lockLimit } from '../mm/lock-limit.ts';
import type { ModuleParameters } from '../module-parameters.ts';
import type { Parameters } from '../parameters.ts';
import type { Parts } from '../parts.ts';
import type { PasidOwner } from '../pasids/pasid-owner.ts';
import type { PasidService } from '../pasids/pasid-service.ts';
import { performPasidRequest } from '../pasids/requests.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, DRIVER_CALL, done, LOCK, Lock, type Steps } from '../steps.ts';
import { Request } from '../vfio/requests.ts';
import { type Dma, DmaList } from './dma-list.ts';
import { pinNext, unpin } from './pinning.ts';
import { dirtyPages } from './type1-dirty.ts';
import { getInfo } from './type1-info.ts';
import { mapDma } from './type1-map.ts';
import { unmapDma } from './type1-unmap.ts';

interface BackendDomain {
  readonly domain: IommuDomain;
  readonly groups: IommuGroup[];
}

/** A range of I/O virtual pages, inclusive. */
export interface PageRange {
  first: number;
  last: number;
}

/** Extensions that the type1 module has whatever its instances hold. */
const EXTENSIONS: ReadonlySet<number> = new Set([1, 3, 6]);
const DMA_CC = 4;
const UNMAP_ALL = 9;
const UPDATE_VADDR = 10;
/** What UNMAP_ALL was in 2020: the version of the requests for guest tables. */
const NESTING_UAPI = UNMAP_ALL;
const NESTING_UAPI_VERSION = 1;

/** An instance of the type1 backend: what a container translates with. */
export class Type1 {
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

  readonly parts: Parts;
  readonly unit: IommuUnit;
  readonly parameters: Parameters;
  readonly pasids: PasidService;
  /** The interface that tells mappings apart by what was asked for. */
  readonly v2: boolean;
  /** Its page tables can be the second of two stages. */
  readonly nesting: boolean;
  /** Mappings that may still be made. */
  available: number;
  private readonly module: ModuleParameters;

  constructor(
    { parts, unit, parameters, pasids, type1: module }: Kernel,
    type: number,
    /** Whose PASIDs it gives out: the address space that chose it. */
    readonly owner: PasidOwner | undefined,
  ) {
    this.parts = parts;
    this.unit = unit;
    this.parameters = parameters;
    this.pasids = pasids;
    this.v2 = type !== 1;
    this.nesting = type === 6;
    this.available = module.dmaEntryLimit;
    this.module = module;
  }

  /** Makes an instance for a type that a user named. */
  static *open(kernel: Kernel, process: Process, type: number): Steps<Type1 | Errno> {
    if (yield ALLOCATION) return 'ENOMEM';
    if (type !== 1 && type !== 3 && type !== 6) return 'EINVAL';
    const { parts, parameters, pasids } = kernel;
    const owner = parameters.pasid_request === 'present' ? pasids.join(process.mm) : undefined;
    return new parts.Type1(kernel, type, owner);
  }

  /** Nobody uses the instance any longer. */
  close(): void {
    if (this.owner !== undefined) this.pasids.leave(this.owner);
  }

  /** CHECK_EXTENSION, of an instance or of the module alone. */
  static checkExtension(backend: Type1 | undefined, extension: number, parameters: Parameters): number {
    if (EXTENSIONS.has(extension)) return 1;
    if (parameters.surroundings === '2020') {
      if (extension === NESTING_UAPI && parameters.bind === 'present') return NESTING_UAPI_VERSION;
      if (extension >= UNMAP_ALL) return 0;
    }
    if (extension === UNMAP_ALL) return 1;
    if (backend === undefined) return 0;
    if (extension === UPDATE_VADDR) return 1;
    return extension === DMA_CC && backend.domains.every(({ domain }) => domain.enforcesCoherency) ? 1 : 0;
  }

  /** A request that the container passed on. */
  ioctl(process: Process, request: number, argument: number): Steps<Result> {
    switch (request) {
      case Request.IOMMU_MAP_DMA:
        return mapDma(this, process, argument);
      case Request.IOMMU_UNMAP_DMA:
        return unmapDma(this, process, argument);
      case Request.IOMMU_DIRTY_PAGES:
        return this.parameters.surroundings === '2020' ? done('ENOTTY') : dirtyPages(this, process, argument);
      case Request.IOMMU_GET_INFO:
        return getInfo(this, process, argument);
      default:
        return performPasidRequest(this, process, request, argument) ?? done('ENOTTY');
    }
  }

  /** A group starts to be translated by this instance. */
  *attachGroup(group: IommuGroup, process: Process): Steps<Errno | undefined> {
    do yield LOCK;
    while (!this.lock.take());
    const errno = yield* this.attachLocked(group, process);
    this.lock.release();
    return errno;
  }

  /** A group is no longer translated. With the last group of all, the mappings go. */
  *detachGroup(group: IommuGroup): Steps<void> {
    do yield LOCK;
    while (!this.lock.take());
    const outside = this.external.indexOf(group);
    if (outside >= 0) {
      this.external.splice(outside, 1);
      if (this.external.length === 0 && this.domains.length === 0) yield* this.removeAll();
    }
    const index = this.domains.findIndex(({ groups }) => groups.includes(group));
    const entry = this.domains[index];
    if (entry !== undefined) {
      yield DRIVER_CALL;
      this.parts.forgetBindings(this, group);
      entry.domain.detach(group);
      entry.groups.splice(entry.groups.indexOf(group), 1);
      if (entry.groups.length === 0) {
        if (this.domains.length === 1) yield* this.removeLast(entry.domain);
        this.domains.splice(index, 1);
      }
    }
    this.lock.release();
  }

  /** Whether a range has an end inside of a mapping. */
  cuts(iova: number, count: number): boolean {
    const last = iova + count - 1;
    const atFirst = this.dmas.at(iova);
    if (atFirst !== undefined && atFirst.iova !== iova) return true;
    const atLast = this.dmas.at(last);
    return atLast !== undefined && atLast.iova + atLast.count - 1 !== last;
  }

  /** Ends a mapping: translations first, then the pins, then the charge. */
  *remove(dma: Dma): Steps<void> {
    yield DRIVER_CALL;
    const [first, ...others] = this.domains;
    for (const { domain } of others) {
      for (let i = 0; i < dma.count; i++) domain.unmap(dma.iova + i);
    }
    if (first !== undefined) unpin(dma, (i) => first.domain.unmap(dma.iova + i));
    this.dmas.remove(dma);
    if (dma.vaddrInvalid) this.invalidCount--;
    this.available++;
  }

  private *attachLocked(group: IommuGroup, process: Process): Steps<Errno | undefined> {
    if (this.invalidCount > 0) return 'EBUSY';
    if (this.domains.some(({ groups }) => groups.includes(group)) || this.external.includes(group)) return 'EINVAL';
    const refused = this.parts.refusesSecondGroup(this);
    if (refused !== undefined) return refused;
    if (yield ALLOCATION) return 'ENOMEM';
    if (group.kind === 'emulated') {
      this.external.unshift(group);
      return undefined;
    }
    if (yield ALLOCATION) return 'ENOMEM';
    yield DRIVER_CALL;
    if (yield ALLOCATION) return this.parameters.domain_allocation_failure === 'eio' ? 'EIO' : 'ENOMEM';
    const domain = new this.parts.IommuDomain(this.unit, group.iommu, this.nesting);
    if (this.nesting && this.unit.nesting === undefined) {
      return this.parameters.surroundings === '2020' ? 'ENODEV' : 'EINVAL';
    }
    yield DRIVER_CALL;
    if (!this.unit.interruptRemapping && !this.module.allowUnsafeInterrupts) return 'EPERM';
    // All units of a machine treat the caches of the CPU alike.
    const shared = this.domains.find((other) => other.domain.iommu === domain.iommu);
    if (shared !== undefined) {
      yield DRIVER_CALL;
      shared.domain.attach(group);
      shared.groups.unshift(group);
      return undefined;
    }
    const errno = yield* this.replay(domain, process);
    if (errno !== undefined) return errno;
    domain.attach(group);
    // Units of one machine translate the same addresses, so further groups leave the ranges as they are.
    this.validRanges = rangesOf(this.unit);
    this.domains.unshift({ domain, groups: [group] });
    return undefined;
  }

  /** Copies every mapping into a new page table. What nothing translated so far is pinned by that. */
  protected *replay(domain: IommuDomain, process: Process): Steps<Errno | undefined> {
    const known = this.domains[0]?.domain;
    const limit = lockLimit(process);
    for (const dma of this.dmas) {
      for (let i = 0; i < dma.count; i++) {
        const page = known?.lookUp(dma.iova + i) ?? (yield* pinNext(dma, limit, i));
        if (typeof page === 'string') {
          this.unpinAll(domain);
          return page;
        }
        yield DRIVER_CALL;
        domain.map(dma.iova + i, page, dma.allowed);
      }
    }
    return undefined;
  }

  private unpinAll(domain: IommuDomain): void {
    for (const dma of this.dmas) unpin(dma, (i) => domain.unmap(dma.iova + i));
  }

  /** The last page table goes: mappings are kept for groups that nothing translates. */
  private *removeLast(domain: IommuDomain): Steps<void> {
    if (this.external.length === 0) return yield* this.removeAll();
    this.unpinAll(domain);
    this.validRanges = [];
  }

  private *removeAll(): Steps<void> {
    for (let { last } = this.dmas; last !== undefined; last = this.dmas.last) yield* this.remove(last);
  }
}

/** What an IOMMU translates, without what it has reserved. */
function rangesOf({ lastPage, reserved }: IommuUnit): PageRange[] {
  const ranges: PageRange[] = [];
  let first = 0;
  for (const hole of reserved) {
    if (hole.first > first) ranges.push({ first, last: hole.first - 1 });
    first = hole.last + 1;
  }
  if (first <= lastPage) ranges.push({ first, last: lastPage });
  return ranges;
}
