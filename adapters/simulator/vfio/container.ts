import type { FileOperations, Node, OpenFile, Process } from '../files/file-table.ts';
import type { Kernel } from '../kernel.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, done, LOCK, Lock, type Steps } from '../steps.ts';
import type { Type1 } from '../type1/type1.ts';
import type { VfioGroup } from './group.ts';
import { Request } from './requests.ts';

/** The node that makes a container each time it is opened. */
export class ContainerNode implements Node {
  constructor(private readonly kernel: Kernel) {}

  *open(file: OpenFile): Steps<Result> {
    if (yield ALLOCATION) return 'ENOMEM';
    file.operations = new this.kernel.parts.Container(this.kernel);
    return 0;
  }
}

/** Groups that share one address space for DMA. It lives on for its groups when its file is closed. */
export class Container implements FileOperations {
  private readonly groups: VfioGroup[] = [];
  private readonly lock = new Lock();
  private backend: Type1 | undefined;

  constructor(private readonly kernel: Kernel) {}

  /** How many devices its groups have, whatever their drivers. */
  get deviceCount(): number {
    return this.groups.reduce((count, { iommuGroup }) => count + (iommuGroup?.devices.length ?? 0), 0);
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
  *attachGroup(group: VfioGroup, process: Process): Steps<Errno | undefined> {
    const iommuGroup = group.iommuGroup!;
    do yield LOCK;
    while (!this.lock.take());
    let errno = iommuGroup.claimForUserSpace();
    if (errno === undefined && this.backend !== undefined) {
      errno = yield* this.backend.attachGroup(iommuGroup, process);
      if (errno !== undefined) iommuGroup.releaseFromUserSpace();
    }
    if (errno === undefined) this.groups.unshift(group);
    this.lock.release();
    return errno;
  }

  /** A group leaves; the backend goes with the last one. Its own lock is held by the caller. */
  *detachGroup(group: VfioGroup): Steps<void> {
    const iommuGroup = group.iommuGroup!;
    do yield LOCK;
    while (!this.lock.take());
    if (this.backend !== undefined) yield* this.backend.detachGroup(iommuGroup);
    iommuGroup.releaseFromUserSpace();
    this.groups.splice(this.groups.indexOf(group), 1);
    if (this.groups.length === 0) {
      this.backend?.close();
      this.backend = undefined;
    }
    this.lock.release();
  }

  private checkExtension(extension: number): number {
    if (this.backend === undefined && !this.kernel.hasType1) return 0;
    return this.kernel.parts.Type1.checkExtension(this.backend, extension, this.kernel.parameters);
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
    if (this.groups.length === 0 || this.backend !== undefined) return 'EINVAL';
    if (!this.kernel.hasType1) return 'ENODEV';
    if (this.kernel.parts.Type1.checkExtension(undefined, type, this.kernel.parameters) === 0) return 'ENODEV';

    // effect
    const backend = yield* this.kernel.parts.Type1.open(this.kernel, process, type);
    if (typeof backend === 'string') return backend;
    const attached: VfioGroup[] = [];
    for (const group of this.groups) {
      const errno = yield* backend.attachGroup(group.iommuGroup!, process);
      if (errno !== undefined) {
        for (const earlier of attached.reverse()) yield* backend.detachGroup(earlier.iommuGroup!);
        backend.close();
        return errno;
      }
      attached.push(group);
    }
    this.backend = backend;
    return 0;
  }
}
