import { uapi } from '../../spec/uapi/uapi.ts';
import type { Call } from '../call.ts';
import { interruptsNotIsolated } from '../interrupt-isolation.ts';
import type { Conditions, Effects } from '../rule-functions.ts';
import type { Container } from '../state.ts';

const types = uapi.values.extension!;
/** What the type1 backend reports as an extension before it has an instance. */
const claimed = new Set(
  [types.VFIO_TYPE1_IOMMU, types.VFIO_TYPE1v2_IOMMU, types.VFIO_TYPE1_NESTING_IOMMU, types.VFIO_UNMAP_ALL].map((one) =>
    BigInt(one!),
  ),
);
const container = (call: Call) => call.object as Container;

const hasBackendModule = (call: Call) => call.world.environment.machine.type1Module !== false;

export const conditions = {
  container_ioctl_needs_backend: (call) => container(call).backend === undefined,
  unknown_container_ioctl: () => true,
  bind_is_absent: () => true,
  check_extension_no_backend_loaded: (call) => !hasBackendModule(call),
  check_extension_of_module: (call) => claimed.has(call.argument),
  check_extension_of_instance: (call) =>
    container(call).backend !== undefined && call.argument === BigInt(types.VFIO_UPDATE_VADDR!),
  check_extension_coherent_dma: (call) =>
    container(call).backend !== undefined &&
    call.argument === BigInt(types.VFIO_DMA_CC_IOMMU!) &&
    call.world.environment.machine.snoopControl === true,
  set_iommu_needs_group: (call) => container(call).groups.size === 0,
  set_iommu_backend_already_set: (call) => container(call).backend !== undefined,
  set_iommu_no_backend_loaded: (call) => !hasBackendModule(call),
  set_iommu_type_not_claimed: (call) => !claimed.has(call.argument),
  set_iommu_extension_is_no_type: (call) => call.argument === BigInt(types.VFIO_UNMAP_ALL!),
  set_iommu_nesting_not_supported: (call) => call.argument === BigInt(types.VFIO_TYPE1_NESTING_IOMMU!),
  set_iommu_interrupts_not_isolated: interruptsNotIsolated,
} satisfies Conditions;

export const effects = {
  open_container_creates_container: (call) => {
    call.created = { kind: 'container', groups: new Set(), backend: undefined };
  },
  set_iommu_creates_backend: (call) => {
    const type = Number(call.argument);
    const entryLimit = Number(call.world.parameters.get('vfio_iommu_type1.dma_entry_limit'));
    (call.object as Container).backend = {
      type,
      v2: type !== uapi.values.extension!.VFIO_TYPE1_IOMMU,
      mappings: [],
      entryLimit,
      dirtyTracking: false,
    };
  },
} satisfies Effects;
