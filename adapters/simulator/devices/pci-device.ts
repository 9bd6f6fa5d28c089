import type { IommuDevice, IommuGroup } from '../iommu/iommu-group.ts';
import type { PasidFunction } from '../nested/pasid-function.ts';
import type { Hardware } from '../nested/translation.ts';
import { EduDevice } from './edu-device.ts';

/** The driver of a PCI function. */
export type Driver = 'vfio-pci' | 'host';

/** A device of a group: a PCI function, or what stands for one here. */
export class PciDevice implements IommuDevice {
  driver: Driver | undefined;
  showsPasids = false;
  /** The test device in it; undefined for a function with an ordinary driver. */
  readonly edu: EduDevice | undefined;

  constructor(
    readonly name: string,
    readonly group: IommuGroup,
    /** Whether it can be reset without others. */
    readonly resettable: boolean,
    /** The machine whose memory the test device transfers; undefined for a function that is another device. */
    hardware: Hardware | undefined,
    /** What it has of PASIDs, on a machine that nests. */
    readonly pasids?: PasidFunction,
    /** Whether it is a function of PCI Express. */
    readonly isExpress: boolean = pasids !== undefined,
  ) {
    this.edu = hardware === undefined ? undefined : new EduDevice(group, hardware, pasids);
  }
}
