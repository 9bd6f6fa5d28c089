import { IommuDomain } from './iommu/iommu-domain.ts';
import { AddressSpace } from './mm/address-space.ts';
import { PasidTable } from './nested/pasid-table.ts';
import { dropBindings, refusesSecondGroup } from './pasids/attach-policy.ts';
import { nestingCapability } from './pasids/nesting-capability.ts';
import { PasidService } from './pasids/pasid-service.ts';
import { postedBindLocked, undoPostedBind } from './pasids/posted/posted-bind.ts';
import { isKnownBind, repairedBindLocked, repairedUnbind, undoRepairedBind } from './pasids/repaired/repaired-bind.ts';
import { isKnownInvalidate, repairedInvalidateLocked } from './pasids/repaired/repaired-invalidate.ts';
import { repairedAlloc, repairedFree, tellRepaired } from './pasids/repaired/repaired-pasid-request.ts';
import { flushNested } from './pasids/unmap-flush.ts';
import { DirtyBitmap } from './type1/dirty-bitmap.ts';
import { cuts } from './type1/dma-list.ts';
import { removeMapping } from './type1/remove-mapping.ts';
import { Type1 } from './type1/type1.ts';
import { chained, infoFlags } from './type1/type1-info.ts';
import { isSane, mapLocked, updateVaddr } from './type1/type1-map.ts';
import { removeMappings } from './type1/type1-unmap.ts';
import { Container } from './vfio/container.ts';
import { DeviceInterrupts } from './vfio/device-interrupts.ts';
import { VfioGroup } from './vfio/group.ts';
import { DeviceFile, VfioDevice } from './vfio/vfio-device.ts';
import { VtdDriver } from './vtd/vtd-driver.ts';

/**
 * The parts that a kernel is made of: the classes of its objects, and functions that its handlers call. A kernel reaches
 * them through a table of its own, so that a defect can put others in their place in one kernel, and in no other.
 */
export const PARTS = {
  AddressSpace,
  // groups and devices
  Container,
  DeviceFile,
  DeviceInterrupts,
  VfioDevice,
  VfioGroup,
  // mappings
  DirtyBitmap,
  IommuDomain,
  Type1,
  chained,
  cuts,
  infoFlags,
  isSane,
  mapLocked,
  removeMapping,
  removeMappings,
  updateVaddr,
  // guest tables
  PasidService,
  PasidTable,
  VtdDriver,
  flushNested,
  dropBindings,
  isKnownBind,
  isKnownInvalidate,
  nestingCapability,
  postedBindLocked,
  refusesSecondGroup,
  repairedAlloc,
  repairedBindLocked,
  repairedFree,
  repairedInvalidateLocked,
  repairedUnbind,
  tellRepaired,
  undoPostedBind,
  undoRepairedBind,
} as const;

export type Parts = typeof PARTS;
