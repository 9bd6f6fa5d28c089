import type { FileOperations, Node, OpenFile, Process } from '../files/file-table.ts';
import type { IommuGroup } from '../iommu/iommu-group.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, done, LOCK, Lock, type Steps } from '../steps.ts';
import { Request } from './requests.ts';
import type { Backend, VfioIommuDriver } from './vfio-iommu-driver.ts';

/** The node that makes a container each time it is opened. */
export class ContainerNode implements Node {
  constructor(
    private readonly parts: { readonly Container: typeof Container },
    private readonly driver: VfioIommuDriver | undefined,
  ) {}

  *open(file: OpenFile): Steps<Result> {
    if (yield ALLOCATION) return 'ENOMEM';
    file.operations = new this.parts.Container(this.driver);
    return 0;
  }
}

/** Groups that share one address space for DMA. It lives on for its groups when its file is closed. */
export class Container implements FileOperations {
  private readonly groups: IommuGroup[] = [];
  private readonly lock = new Lock();
  private backend: Backend | undefined;

  constructor(
    /** What makes backends; undefined while no module is loaded that does. */
    private readonly driver: VfioIommuDriver | undefined,
  ) {}

  /** How many devices its groups have, whatever their drivers. */
  get deviceCount(): number {
    return this.groups.reduce((count, { devices }) => count + devices.length, 0);
  }

  /** Whether groups of this container can be translated. */
  get hasBackend(): boolean {
    return this.backend !== undefined;
  }

  ioctl(process: Process, request: number, argument: number): Steps<Result> {
    switch (request) {
      case Request.GET_API_VERSION:
        return done(0);
      case Request.CHECK_EXTENSION:
        return done(this.checkExtension(argument));
      case Request.SET_IOMMU:
        return this.setIommu(process, argument);
      default:
        return this.backend === undefined ? done('EINVAL') : this.backend.ioctl(process, request, argument);
    }
  }

  /** A group joins; with a backend chosen, it is translated from now on. Its own lock is held by the caller. */
  *attachGroup(group: IommuGroup, process: Process): Steps<Errno | undefined> {
    do yield LOCK;
    while (!this.lock.take());
    let errno = group.claimDmaOwner();
    if (errno === undefined && this.backend !== undefined) {
      errno = yield* this.backend.attachGroup(group, process);
      if (errno !== undefined) group.releaseDmaOwner();
    }
    if (errno === undefined) this.groups.unshift(group);
    this.lock.release();
    return errno;
  }

  /** A group leaves; the backend goes with the last one. Its own lock is held by the caller. */
  *detachGroup(group: IommuGroup): Steps<void> {
    do yield LOCK;
    while (!this.lock.take());
    if (this.backend !== undefined) yield* this.backend.detachGroup(group);
    group.releaseDmaOwner();
    this.groups.splice(this.groups.indexOf(group), 1);
    if (this.groups.length === 0) {
      this.backend?.close();
      this.backend = undefined;
    }
    this.lock.release();
  }

  private checkExtension(extension: number): number {
    return (this.backend ?? this.driver)?.checkExtension(extension) ?? 0;
  }

  /** VFIO_SET_IOMMU: chooses the backend. */
  private *setIommu(process: Process, type: number): Steps<Result> {
    // state
    do yield LOCK;
    while (!this.lock.take());
    const result = yield* this.setIommuLocked(process, type);
    this.lock.release();

    // result
    return result;
  }

  private *setIommuLocked(process: Process, type: number): Steps<Result> {
    // state
    if (this.groups.length === 0 || this.backend !== undefined) return 'EINVAL';
    if (this.driver === undefined || this.driver.checkExtension(type) === 0) return 'ENODEV';

    // effect
    const backend = yield* this.driver.open(process, type);
    if (typeof backend === 'string') return backend;
    const attached: IommuGroup[] = [];
    for (const group of this.groups) {
      const errno = yield* backend.attachGroup(group, process);
      if (errno !== undefined) {
        for (const earlier of attached.reverse()) yield* backend.detachGroup(earlier);
        backend.close();
        return errno;
      }
      attached.push(group);
    }
    this.backend = backend;

    // result
    return 0;
  }
}
