import { uapi } from '../../../spec/uapi/uapi.ts';
import type { IoctlCall } from '../../call/families.ts';
import { containerOf } from '../../call/operands.ts';
import { interruptsNotIsolated } from '../../state/interrupt-isolation.ts';
import { MappingList } from '../../state/mapping-list.ts';
import { type Backend, hasDomain, joinDomain, ownerOf } from '../../state/state.ts';
import type { Conditions, Effects } from '../rule-functions.ts';

const types = uapi.values.extension!;
/** The types of the type1 backend. */
const claimed = new Set(
  [types.VFIO_TYPE1_IOMMU, types.VFIO_TYPE1v2_IOMMU, types.VFIO_TYPE1_NESTING_IOMMU].map((one) => BigInt(one!)),
);
/** In 2020 the version of the data, later that UNMAP_DMA can remove everything. */
const NINE = BigInt(types.VFIO_UNMAP_ALL!);
const NESTING = BigInt(types.VFIO_TYPE1_NESTING_IOMMU!);

/** The nesting type is asked for where the IOMMU of a group cannot nest. */
const asksForNesting = (call: IoctlCall) =>
  call.argument.value === NESTING &&
  call.world.environment.nesting === undefined &&
  [...containerOf(call).groups].some(hasDomain);

const hasBackendModule = (call: IoctlCall) => call.world.environment.machine.type1Module !== false;

export const conditions = {
  container_ioctl_needs_backend: (call) => containerOf(call).backend === undefined,
  unknown_container_ioctl: () => true,
  check_extension_no_backend_loaded: (call) => !hasBackendModule(call),
  check_extension_of_module: (call) => claimed.has(call.argument.value),
  check_extension_unmap_all: (call) => call.argument.value === NINE,
  check_extension_nesting_uapi: (call) => call.argument.value === NINE,
  check_extension_of_instance: (call) =>
    containerOf(call).backend !== undefined && call.argument.value === BigInt(types.VFIO_UPDATE_VADDR!),
  check_extension_coherent_dma: (call) =>
    containerOf(call).backend !== undefined &&
    call.argument.value === BigInt(types.VFIO_DMA_CC_IOMMU!) &&
    // Where there is no domain, none lacks it.
    (call.world.environment.machine.snoopControl === true || containerOf(call).backend!.domains.length === 0),
  set_iommu_needs_group: (call) => containerOf(call).groups.size === 0,
  set_iommu_backend_already_set: (call) => containerOf(call).backend !== undefined,
  set_iommu_no_backend_loaded: (call) => !hasBackendModule(call),
  set_iommu_type_unsupported: (call) => !claimed.has(call.argument.value) && call.argument.value !== NINE,
  set_iommu_type_9_unsupported: (call) => call.argument.value === NINE,
  set_iommu_extension_is_not_a_type: (call) => call.argument.value === NINE,
  set_iommu_nesting_unsupported: asksForNesting,
  set_iommu_nesting_unsupported_in_2020: asksForNesting,
  set_iommu_nesting_takes_one_group: (call) => call.argument.value === NESTING && containerOf(call).groups.size > 1,
  set_iommu_interrupts_not_isolated: interruptsNotIsolated,
} satisfies Conditions<IoctlCall>;

export const effects = {
  set_iommu_creates_backend: (call) => {
    const type = Number(call.argument.value);
    const entryLimit = Number(call.world.parameters.get('vfio_iommu_type1.dma_entry_limit'));
    const owner = ownerOf(call.world, call.process);
    if (owner) owner.backends++;
    const backend: Backend = {
      type,
      v2: type !== uapi.values.extension!.VFIO_TYPE1_IOMMU,
      nesting: call.argument.value === NESTING,
      domains: [],
      owner,
      mappings: new MappingList(),
      entryLimit,
      dirtyTracking: false,
    };
    containerOf(call).backend = backend;
    // A container keeps its groups with the last one first, and attaches them in that order.
    for (const group of [...containerOf(call).groups].reverse()) joinDomain(backend, group);
  },
} satisfies Effects<IoctlCall>;
