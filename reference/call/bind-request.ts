import { type ArgumentLayout, layoutsOf } from './argument-layout.ts';
import { DataRequest } from './data-request.ts';
import type { IoctlArgument } from './ioctl-argument.ts';

/** The data of BIND: the header is not part of it. */
export interface BindData {
  version: number;
  format: number;
  flags: bigint;
  /** Guest physical address of the guest's table. */
  gpgd: bigint;
  hpasid: bigint;
  gpasid: bigint;
  /** Bits. */
  addressWidth: number;
  vtdFlags: bigint;
  /** All padding is zero. */
  padded: boolean;
}

const layouts = layoutsOf('VFIO_IOMMU_BIND');

/** A BIND; `sizeFirst`: its data starts with a size of its own. */
export function bindRequest(argument: IoctlArgument, sizeFirst: boolean): DataRequest<BindData> {
  return new DataRequest(argument, sizeFirst ? layouts.sizeFirst : layouts.plain, decode);
}

function decode(layout: ArgumentLayout, view: DataView): BindData {
  return {
    version: Number(layout.read(view, 'version')),
    format: Number(layout.read(view, 'format')),
    flags: layout.read(view, 'data_flags'),
    gpgd: layout.read(view, 'gpgd'),
    hpasid: layout.read(view, 'hpasid'),
    gpasid: layout.read(view, 'gpasid'),
    addressWidth: Number(layout.read(view, 'addr_width')),
    vtdFlags: layout.read(view, 'vtd_flags'),
    padded: layout.isPadded(view),
  };
}
