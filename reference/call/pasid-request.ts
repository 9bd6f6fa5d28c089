import { offsetOf } from './field-offsets.ts';
import type { IoctlArgument } from './ioctl-argument.ts';

const STRUCT = 'vfio_iommu_type1_pasid_request';
const MIN = offsetOf(STRUCT, 'min');
const MAX = offsetOf(STRUCT, 'max');

/** A PASID_REQUEST: its argument as far as it was read, and what comes of it. */
export class PasidRequest {
  private readonly argument: IoctlArgument;
  /** The number that is given. */
  given = 0;

  constructor(argument: IoctlArgument) {
    this.argument = argument;
  }

  get flags(): number {
    return this.argument.flags;
  }

  /** The lowest number that may be given; what FREE names is in its place. */
  get min(): number {
    return this.argument.view.getUint32(MIN, true);
  }

  get max(): number {
    return this.argument.view.getUint32(MAX, true);
  }
}
