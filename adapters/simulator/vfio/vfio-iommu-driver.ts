import type { Process } from '../files/file-table.ts';
import type { IommuGroup } from '../iommu/iommu-group.ts';
import type { Errno, Result } from '../result.ts';
import type { Steps } from '../steps.ts';

/** What a container translates with: an instance that a driver made for it. */
export interface Backend {
  /** CHECK_EXTENSION of the container. */
  checkExtension(extension: number): number;
  /** A request that the container passed on. */
  ioctl(process: Process, request: number, argument: number): Steps<Result>;
  /** A group starts to be translated by this instance. */
  attachGroup(group: IommuGroup, process: Process): Steps<Errno | undefined>;
  /** A group is no longer translated. */
  detachGroup(group: IommuGroup): Steps<void>;
  /** Nobody uses the instance any longer. */
  close(): void;
}

/** A module that makes backends (struct vfio_iommu_driver_ops). */
export interface VfioIommuDriver {
  /** CHECK_EXTENSION of a container that has no backend. */
  checkExtension(extension: number): number;
  /** Makes an instance for a type that a user named. */
  open(process: Process, type: number): Steps<Backend | Errno>;
}
