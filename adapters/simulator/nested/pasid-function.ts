import { DeviceTlb } from './device-tlb.ts';
import { PasidTable } from './pasid-table.ts';

/** What belongs to one device and its PASIDs. */
export class PasidFunction {
  /** What the device keeps itself: a device has ATS if it has PASIDs. */
  readonly tlb: DeviceTlb | undefined;

  constructor(
    /** How wide a PASID the device can send; 0 for none. */
    readonly bits: number,
    readonly table = new PasidTable(),
  ) {
    this.tlb = bits === 0 ? undefined : new DeviceTlb();
  }
}
