import type { Process } from '../files/file-table.ts';
import type { IommuDomain, IommuUnit } from '../iommu/iommu-domain.ts';
import type { IommuGroup } from '../iommu/iommu-group.ts';
import { lockLimit } from '../mm/lock-limit.ts';
import type { dropBindings, refusesSecondGroup } from '../pasids/attach-policy.ts';
import type { PasidOwner } from '../pasids/pasid-owner.ts';
import { type PasidRequestParts, performPasidRequest } from '../pasids/requests.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, DRIVER_CALL, done, LOCK, type Steps } from '../steps.ts';
import { Request } from '../vfio/requests.ts';
import type { Backend } from '../vfio/vfio-iommu-driver.ts';
import { checkExtension } from './check-extension.ts';
import { pinNext, unpin } from './pinning.ts';
import { type DirtyParts, dirtyPages } from './type1-dirty.ts';
import { getInfo, type InfoParts } from './type1-info.ts';
import { type MapParts, mapDma } from './type1-map.ts';
import { type PageRange, type Type1Module, Type1State } from './type1-state.ts';
import { type UnmapParts, unmapDma } from './type1-unmap.ts';

/** Functions and classes that a backend and its handlers reach through a table. */
export interface Type1Parts extends MapParts, UnmapParts, DirtyParts, InfoParts, PasidRequestParts {
  readonly IommuDomain: typeof IommuDomain;
  readonly dropBindings: typeof dropBindings;
  readonly refusesSecondGroup: typeof refusesSecondGroup;
}

/** An instance of the type1 backend: what a container translates with. */
export class Type1 extends Type1State implements Backend {
  constructor(
    readonly parts: Type1Parts,
    module: Type1Module,
    type: number,
    owner: PasidOwner | undefined,
  ) {
    super(module, type, owner);
  }

  /** Nobody uses the instance any longer. */
  close(): void {
    if (this.owner !== undefined) this.pasids.leave(this.owner);
  }

  checkExtension(extension: number): number {
    return checkExtension(extension, this.parameters, this.domains);
  }

  /** A request that the container passed on. */
  ioctl(process: Process, request: number, argument: number): Steps<Result> {
    switch (request) {
      case Request.IOMMU_MAP_DMA:
        return mapDma(this, process, argument);
      case Request.IOMMU_UNMAP_DMA:
        return unmapDma(this, process, argument);
      case Request.IOMMU_DIRTY_PAGES:
        return this.parameters.base_kernel === '2020' ? done('ENOTTY') : dirtyPages(this, process, argument);
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
      this.parts.dropBindings(this, group);
      group.detach();
      entry.groups.splice(entry.groups.indexOf(group), 1);
      if (entry.groups.length === 0) {
        if (this.domains.length === 1) yield* this.removeLast(entry.domain);
        this.domains.splice(index, 1);
      }
    }
    this.lock.release();
  }

  private *attachLocked(group: IommuGroup, process: Process): Steps<Errno | undefined> {
    // state
    if (this.invalidCount > 0) return 'EBUSY';
    if (this.domains.some(({ groups }) => groups.includes(group)) || this.external.includes(group)) return 'EINVAL';
    const refused = this.parts.refusesSecondGroup(this);
    if (refused !== undefined) return refused;
    if (yield ALLOCATION) return 'ENOMEM';

    // effect
    if (group.kind === 'emulated') {
      this.external.unshift(group);
      return undefined;
    }
    if (yield ALLOCATION) return 'ENOMEM';
    yield DRIVER_CALL;
    if (yield ALLOCATION) return this.parameters.domain_allocation_failure === 'eio' ? 'EIO' : 'ENOMEM';
    const domain = new this.parts.IommuDomain(this.unit, group.iommu, this.nesting);
    if (this.nesting && this.unit.nesting === undefined) {
      return this.parameters.base_kernel === '2020' ? 'ENODEV' : 'EINVAL';
    }
    yield DRIVER_CALL;
    if (!this.unit.interruptRemapping && !this.module.allowUnsafeInterrupts) return 'EPERM';
    // All units of a machine treat the caches of the CPU alike.
    const shared = this.domains.find((other) => other.domain.iommu === domain.iommu);
    if (shared !== undefined) {
      yield DRIVER_CALL;
      group.attach(shared.domain);
      shared.groups.unshift(group);
      return undefined;
    }
    const errno = yield* this.replay(domain, process);
    if (errno !== undefined) return errno;
    group.attach(domain);
    // Units of one machine translate the same addresses, so further groups leave the ranges as they are.
    this.validRanges = rangesOf(this.unit);
    this.domains.unshift({ domain, groups: [group] });

    // result
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
    for (let { last } = this.dmas; last !== undefined; last = this.dmas.last)
      yield* this.parts.removeMapping(this, last);
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
