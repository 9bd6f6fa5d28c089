import type { Device } from '../state/device.ts';
import type { Domain } from '../state/state.ts';

/** Where a request of the 2020 nesting series is on its way through the IOMMU driver. */
export class DriverVisit {
  /** The device under consideration, as the request reaches the driver for it, and its domain. */
  device: Device | undefined;
  domain: Domain | undefined;
  /** Calls of the IOMMU driver that the op has made. */
  calls = 0;
}
