import { type Dma, DmaList } from './dma-list.ts';
import { IommuDomain, type IommuUnit } from './iommu-domain.ts';
import type { IommuGroup } from './iommu-group.ts';
import type { Kernel, ModuleParameters } from './kernel.ts';
import type { Parameters } from './parameters.ts';
import { unpin } from './pinning.ts';
import type { Process } from './process.ts';
import { Request } from './requests.ts';
import type { Errno, Result } from './result.ts';
import { ALLOCATION, DRIVER_CALL, DRIVER_RELEASE, done, LOCK, Lock, type Steps } from './steps.ts';
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
const EXTENSIONS: ReadonlySet<number> = new Set([1, 3, 6, 9]);
const DMA_CC = 4;
const UPDATE_VADDR = 10;

/** An instance of the type1 backend: what a container translates with. */
export class Type1 {
  readonly lock = new Lock();
  readonly domains: BackendDomain[] = [];
  readonly dmas = new DmaList();
  /** Where mappings may lie; in order. */
  validRanges: PageRange[] = [];
  /** Mappings whose process address has been declared invalid. */
  invalidCount = 0;
  /** Whether each mapping has a bitmap of the pages that devices have written. */
  tracksDirtyPages = false;

  private constructor(
    readonly unit: IommuUnit,
    readonly parameters: Parameters,
    private readonly module: ModuleParameters,
    /** The interface that tells mappings apart by what was asked for. */
    readonly v2: boolean,
    private readonly nesting: boolean,
    /** Mappings that may still be made. */
    public available: number,
  ) {}

  /** Makes an instance for a type that a user named. */
  static *open({ unit, parameters, type1 }: Kernel, type: number): Steps<Type1 | Errno> {
    if (yield ALLOCATION) return 'ENOMEM';
    if (type !== 1 && type !== 3 && type !== 6) return 'EINVAL';
    return new Type1(unit, parameters, type1, type !== 1, type === 6, type1.dmaEntryLimit);
  }

  /** CHECK_EXTENSION, of an instance or of the module alone. */
  static checkExtension(backend: Type1 | undefined, extension: number): number {
    if (EXTENSIONS.has(extension)) return 1;
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
        return dirtyPages(this, process, argument);
      case Request.IOMMU_GET_INFO:
        return getInfo(this, process, argument);
      default:
        return done('ENOTTY');
    }
  }

  /** A group starts to be translated by this instance. */
  *attachGroup(group: IommuGroup): Steps<Errno | undefined> {
    do yield LOCK;
    while (!this.lock.take());
    const errno = yield* this.attachLocked(group);
    this.lock.release();
    return errno;
  }

  /** A group is no longer translated. With the last group of all, the mappings go. */
  *detachGroup(group: IommuGroup): Steps<void> {
    do yield LOCK;
    while (!this.lock.take());
    const index = this.domains.findIndex(({ groups }) => groups.includes(group));
    const entry = this.domains[index];
    if (entry !== undefined) {
      yield DRIVER_RELEASE;
      entry.domain.detach(group);
      entry.groups.splice(entry.groups.indexOf(group), 1);
      if (entry.groups.length === 0) {
        if (this.domains.length === 1) yield* this.removeAll();
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
    yield DRIVER_RELEASE;
    const [first, ...others] = this.domains;
    for (const { domain } of others) {
      for (let i = 0; i < dma.count; i++) domain.unmap(dma.iova + i);
    }
    if (first !== undefined) unpin(dma, (i) => first.domain.unmap(dma.iova + i));
    this.dmas.remove(dma);
    if (dma.vaddrInvalid) this.invalidCount--;
    this.available++;
  }

  private *attachLocked(group: IommuGroup): Steps<Errno | undefined> {
    if (this.invalidCount > 0) return 'EBUSY';
    if (this.domains.some(({ groups }) => groups.includes(group))) return 'EINVAL';
    if (yield ALLOCATION) return 'ENOMEM';
    if (yield ALLOCATION) return 'ENOMEM';
    if (yield DRIVER_CALL) return 'EIO';
    if (yield ALLOCATION) return this.parameters.domain_allocation_failure === 'eio' ? 'EIO' : 'ENOMEM';
    const domain = new IommuDomain(this.unit);
    // No IOMMU of this machine can nest page tables for this interface.
    if (this.nesting) return 'EINVAL';
    if (yield DRIVER_CALL) return 'EIO';
    if (!this.unit.interruptRemapping && !this.module.allowUnsafeInterrupts) return 'EPERM';
    const shared = this.domains.find((other) => other.domain.enforcesCoherency === domain.enforcesCoherency);
    if (shared !== undefined) {
      if (!(yield DRIVER_CALL)) {
        shared.domain.attach(group);
        shared.groups.unshift(group);
        return undefined;
      }
      // Where the driver refuses to share a page table, the group keeps one of its own.
      if (yield DRIVER_CALL) return 'EIO';
    }
    if (yield* this.replay(domain)) return 'EIO';
    domain.attach(group);
    // Units of one machine translate the same addresses, so further groups leave the ranges as they are.
    this.validRanges = rangesOf(this.unit);
    this.domains.unshift({ domain, groups: [group] });
    return undefined;
  }

  /** Copies every mapping into a new page table; true when the driver refuses. */
  private *replay(domain: IommuDomain): Steps<boolean> {
    for (const { iova, count, allowed } of this.dmas.entries) {
      for (let page = iova; page < iova + count; page++) {
        if (yield DRIVER_CALL) return true;
        domain.map(page, this.domains[0]!.domain.lookUp(page)!, allowed);
      }
    }
    return false;
  }

  private *removeAll(): Steps<void> {
    // From the end, where taking one out moves no other.
    for (let dma = this.dmas.entries.at(-1); dma !== undefined; dma = this.dmas.entries.at(-1)) yield* this.remove(dma);
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
