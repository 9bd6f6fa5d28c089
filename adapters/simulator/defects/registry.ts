import { nearest } from '../../../spec/uapi/nearest.ts';
import { Problem } from '../../../spec/uapi/problem.ts';
import { allocKeepsPasidOfFailedCopy } from './alloc-keeps-pasid-of-failed-copy.ts';
import { allocReturnsBytesNotCopied } from './alloc-returns-bytes-not-copied.ts';
import { allocReturnsEfaultForEnospc } from './alloc-returns-efault-for-enospc.ts';
import { bindOfAnotherOwner } from './bind-of-another-owner.ts';
import { bindWithoutDomainSucceeds } from './bind-without-domain-succeeds.ts';
import { closeLeavesConfigHeader } from './close-leaves-config-header.ts';
import { closedDeviceKeepsGroupFile } from './closed-device-keeps-group-file.ts';
import type { SimulatorDefect } from './defect.ts';
import { dirtyBitmapOnePageLate } from './dirty-bitmap-one-page-late.ts';
import { failedMapKeepsEntry } from './failed-map-keeps-entry.ts';
import { freeLeavesBindings } from './free-leaves-bindings.ts';
import { freeOfAnotherOwner } from './free-of-another-owner.ts';
import { getInfoLacksCapsFlag } from './get-info-lacks-caps-flag.ts';
import { getInfoLacksNestingCapability } from './get-info-lacks-nesting-capability.ts';
import { getInfoNextCountsFromChain } from './get-info-next-counts-from-chain.ts';
import { gpasidKeptIn64Bits } from './gpasid-kept-in-64-bits.ts';
import { gpgdCutTo32Bits } from './gpgd-cut-to-32-bits.ts';
import { invalidateAcceptsUnknownFlags } from './invalidate-accepts-unknown-flags.ts';
import { invalidateFlushesOneGranule } from './invalidate-flushes-one-granule.ts';
import { invalidateLeavesDeviceTlb } from './invalidate-leaves-device-tlb.ts';
import { lastCloseLeaksPasids } from './last-close-leaks-pasids.ts';
import { lastDomainErrorWins } from './last-domain-error-wins.ts';
import { leavingGroupKeepsBindings } from './leaving-group-keeps-bindings.ts';
import { mapAcceptsWrappingVaddr } from './map-accepts-wrapping-vaddr.ts';
import { mapChecksOverlapBeforeSize } from './map-checks-overlap-before-size.ts';
import { mapReachesNewestIommuOnly } from './map-reaches-newest-iommu-only.ts';
import { msiEventfdIsNotRemoved } from './msi-eventfd-is-not-removed.ts';
import { newIommuLacksOlderMappings } from './new-iommu-lacks-older-mappings.ts';
import { newVaddrLeavesInvalidCount } from './new-vaddr-leaves-invalid-count.ts';
import { noRollBackAfterEnoent } from './no-roll-back-after-enoent.ts';
import { noRollBackOfFirstDevice } from './no-roll-back-of-first-device.ts';
import { oneMappingAboveEntryLimit } from './one-mapping-above-entry-limit.ts';
import { pasidCapabilityAlwaysExposed } from './pasid-capability-always-exposed.ts';
import { pasidsComparedBy16Bits } from './pasids-compared-by-16-bits.ts';
import { quotaCountsAllProcesses } from './quota-counts-all-processes.ts';
import { quotaCountsAtSetIommu } from './quota-counts-at-set-iommu.ts';
import { readMappingCanBeWritten } from './read-mapping-can-be-written.ts';
import { readPinDoesNotUnshare } from './read-pin-does-not-unshare.ts';
import { readReportsMoreThanItCopied } from './read-reports-more-than-it-copied.ts';
import { refusedSetContainerKeepsOwnership } from './refused-set-container-keeps-ownership.ts';
import { rollBackUnbindsOlderBindings } from './roll-back-unbinds-older-bindings.ts';
import { secondGroupJoinsWhileBound } from './second-group-joins-while-bound.ts';
import { unbindChecksNothing } from './unbind-checks-nothing.ts';
import { unbindLeavesDeviceTlb } from './unbind-leaves-device-tlb.ts';
import { unbindServesNewestDomainOnly } from './unbind-serves-newest-domain-only.ts';
import { unmapCutsAtEnd } from './unmap-cuts-at-end.ts';
import { unmapKeepsMemlockCharge } from './unmap-keeps-memlock-charge.ts';
import { unmapLeavesNestedTranslations } from './unmap-leaves-nested-translations.ts';
import { unmapLeavesOtherIommus } from './unmap-leaves-other-iommus.ts';
import { unmapReportsLastMappingOnly } from './unmap-reports-last-mapping-only.ts';
import { unsetContainerReturnsEinvalForEbusy } from './unset-container-returns-einval-for-ebusy.ts';

/** Every defect that the simulator can be given, by the part of the kernel that it is in. */
export const defects: readonly SimulatorDefect[] = [
  refusedSetContainerKeepsOwnership,
  unsetContainerReturnsEinvalForEbusy,
  closedDeviceKeepsGroupFile,
  closeLeavesConfigHeader,
  msiEventfdIsNotRemoved,
  readReportsMoreThanItCopied,
  pasidCapabilityAlwaysExposed,
  mapChecksOverlapBeforeSize,
  mapAcceptsWrappingVaddr,
  oneMappingAboveEntryLimit,
  failedMapKeepsEntry,
  mapReachesNewestIommuOnly,
  readMappingCanBeWritten,
  readPinDoesNotUnshare,
  newVaddrLeavesInvalidCount,
  newIommuLacksOlderMappings,
  unmapLeavesOtherIommus,
  unmapReportsLastMappingOnly,
  unmapKeepsMemlockCharge,
  unmapCutsAtEnd,
  dirtyBitmapOnePageLate,
  getInfoLacksCapsFlag,
  getInfoNextCountsFromChain,
  allocReturnsEfaultForEnospc,
  allocReturnsBytesNotCopied,
  allocKeepsPasidOfFailedCopy,
  freeOfAnotherOwner,
  freeLeavesBindings,
  lastCloseLeaksPasids,
  quotaCountsAllProcesses,
  quotaCountsAtSetIommu,
  gpgdCutTo32Bits,
  pasidsComparedBy16Bits,
  gpasidKeptIn64Bits,
  noRollBackAfterEnoent,
  noRollBackOfFirstDevice,
  rollBackUnbindsOlderBindings,
  lastDomainErrorWins,
  bindOfAnotherOwner,
  bindWithoutDomainSucceeds,
  unbindChecksNothing,
  unbindServesNewestDomainOnly,
  unbindLeavesDeviceTlb,
  leavingGroupKeepsBindings,
  secondGroupJoinsWhileBound,
  getInfoLacksNestingCapability,
  invalidateAcceptsUnknownFlags,
  invalidateLeavesDeviceTlb,
  invalidateFlushesOneGranule,
  unmapLeavesNestedTranslations,
];

/** The defect of a name. Throws a Problem for one that is unknown. */
export function defectNamed(name: string): SimulatorDefect {
  const defect = defects.find((one) => one.name === name);
  if (defect !== undefined) return defect;
  const names = defects.map((one) => one.name);
  // What a name only begins, or is a part of, is not near to it, and may be meant all the same.
  const meant = [...nearest(name, names), ...names.filter((one) => one.includes(name))];
  const known = [...new Set([...meant, ...names])];
  throw new Problem(`The simulator has no defect ${name}; it has ${known.join(', ')}.`);
}
