import type { DmaOp, TransferFault } from '../../spec/uapi/vocabulary.ts';
import type { Walk } from '../memory/guest-page-walk.ts';
import type { Mapping } from '../state/state.ts';

/** The part of a transfer that lies in one page. */
export interface Segment {
  iova: bigint;
  length: number;
  /** Byte of the device's buffer. */
  buffer: number;
  /** Without a PASID: what the address is mapped to. */
  mapping: Mapping | undefined;
}

/** A transfer of a device, and how far it has come. */
export class DmaTransfer {
  readonly op: DmaOp;
  /** Cached translations are preferred to the tables. */
  readonly prefersCached: boolean;
  /** The part under consideration. */
  segment: Segment | undefined;
  /** With a PASID: how the segment's address was translated. */
  walk: Walk | undefined;
  /** With a PASID: what is mapped with WRITE alone can be read. */
  readsWriteOnly = false;
  /** The first reason why something was not translated. */
  fault: TransferFault | undefined;

  constructor(op: DmaOp, prefersCached: boolean) {
    this.op = op;
    this.prefersCached = prefersCached;
  }
}
