import type { ConditionId } from '../spec/contract/rule-ids.ts';
import { toBigInt } from '../spec/uapi/integer.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { BindDriverOp, OpenOp, PwriteOp, UnbindDriverOp } from '../spec/uapi/vocabulary.ts';
import type { Call } from './call.ts';
import type { Backend, Container, Group, Process } from './state.ts';
import { firstOverlap, mappingAt, wraps } from './type1-mappings.ts';
import { PAGE } from './user-memory.ts';

/** Whether a rule applies. Conditions of a handler are asked in its order, so that each may rely on those before it. */
export type Condition = (call: Call) => boolean;

const {
  VFIO_DMA_MAP_FLAG_READ: READ,
  VFIO_DMA_MAP_FLAG_WRITE: WRITE,
  VFIO_DMA_MAP_FLAG_VADDR: VADDR,
} = uapi.flags.dma_map_flags as Record<string, number>;
const {
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP: DIRTY,
  VFIO_DMA_UNMAP_FLAG_ALL: ALL,
  VFIO_DMA_UNMAP_FLAG_VADDR: UNMAP_VADDR,
} = uapi.flags.dma_unmap_flags as Record<string, number>;
const MAP_FLAGS = READ! | WRITE! | VADDR!;
const UNMAP_FLAGS = DIRTY! | ALL! | UNMAP_VADDR!;
const types = uapi.values.iommu_type!;
/** What the type1 backend reports as an extension before it has an instance. */
const claimed = new Set(
  [types.VFIO_TYPE1_IOMMU, types.VFIO_TYPE1v2_IOMMU, types.VFIO_TYPE1_NESTING_IOMMU, types.VFIO_UNMAP_ALL].map((one) =>
    BigInt(one!),
  ),
);
const mapSize = uapi.structs.vfio_iommu_type1_dma_map!.size;
const { size: unmapSize, extended: unmapExtended } = uapi.structs.vfio_iommu_type1_dma_unmap! as {
  size: number;
  extended: number;
};
const PAGE_MASK = BigInt(PAGE - 1);

const container = (call: Call) => call.object as Container;
const backend = (call: Call) => container(call).backend as Backend;
const group = (call: Call) => call.object as Group;
const asked = (call: Call) => call.process.descriptors.get(call.word);
const has = (flags: number, flag: number | undefined) => (flags & flag!) !== 0;

/** The mappings that an UNMAP_DMA walks over, in order. */
export function walked(call: Call) {
  const { flags, iova, size } = call.unmap;
  const all = has(flags, ALL);
  return backend(call).mappings.filter(
    (mapping) => all || (mapping.iova + mapping.size > iova && mapping.iova < iova + size),
  );
}

/** Valid I/O virtual ranges: the aperture without the reserved ranges. */
function insideOneValidRange(call: Call, first: bigint, last: bigint): boolean {
  const { apertureLast, reserved } = call.world.environment;
  return (
    last <= toBigInt(apertureLast) &&
    reserved.every((range) => last < toBigInt(range.first) || first > toBigInt(range.last))
  );
}

/** The conditions of all rules that have one. */
export const conditions = {
  container_ioctl_needs_backend: (call) => container(call).backend === undefined,
  unknown_container_ioctl: () => true,
  bind_is_absent: () => true,

  set_iommu_needs_group: (call) => container(call).groups.size === 0,
  set_iommu_backend_already_set: (call) => container(call).backend !== undefined,
  set_iommu_no_backend_loaded: (call) => call.world.environment.machine.type1Module === false,
  set_iommu_type_not_claimed: (call) => !claimed.has(call.argument),
  set_iommu_extension_is_no_type: (call) => call.argument === BigInt(types.VFIO_UNMAP_ALL!),
  set_iommu_nesting_not_supported: (call) => call.argument === BigInt(types.VFIO_TYPE1_NESTING_IOMMU!),
  set_iommu_interrupts_not_isolated: (call) => call.world.environment.machine.interruptRemapping === false,

  open_group_node_gone: (call) => call.world.slots.get((call.op as OpenOp).slot!)!.group.orphaned,
  open_group_already_open: (call) => {
    const { group } = call.world.slots.get((call.op as OpenOp).slot!)!;
    return group.open > 0 || group.devicesOpen > 0;
  },
  set_container_descriptor_not_open: (call) => asked(call)?.pathOnly ?? true,
  set_container_already_attached: (call) => group(call).container !== undefined,
  set_container_group_orphaned: (call) => group(call).orphaned,
  set_container_foreign_descriptor_einval: (call) => asked(call)?.object.kind !== 'container',
  set_container_foreign_descriptor_ebadfd: (call) => asked(call)?.object.kind !== 'container',
  set_container_group_not_viable: (call) => group(call).slot.claimed,
  set_container_vaddr_invalidated: (call) =>
    (asked(call)!.object as Container).backend?.mappings.some(({ vaddrInvalid }) => vaddrInvalid) ?? false,
  unknown_group_ioctl: () => true,

  unbind_of_last_device_orphans_group: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    return (
      device !== 'claimed' && call.world.slots.get(slot)!.devices.every(({ bound }, i) => bound === (i === device))
    );
  },
  unbind_of_what_has_no_driver: (call) => !hasDriver(call),
  unbind_waits_for_open_device: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    return device !== 'claimed' && call.world.slots.get(slot)!.devices[device]!.opens > 0;
  },
  unbind_of_one_device: (call) => (call.op as UnbindDriverOp).device !== 'claimed',
  bind_to_what_has_a_driver: (call) => hasDriver(call),
  bind_of_a_driver_that_does_not_match: (call) =>
    ((call.op as BindDriverOp).driver === 'native') !== ((call.op as BindDriverOp).device === 'claimed'),
  unbind_of_claiming_driver_makes_group_viable: (call) => (call.op as UnbindDriverOp).device === 'claimed',
  bind_native_driver_to_claimed_group: (call) => {
    const { slot, driver } = call.op as BindDriverOp;
    return driver === 'native' && call.world.slots.get(slot)!.group.container !== undefined;
  },
  bind_native_driver_makes_group_not_viable: (call) => (call.op as BindDriverOp).driver === 'native',
  bind_vfio_driver_makes_new_group: (call) => (call.op as BindDriverOp).driver === 'vfio-pci',
  close_of_what_is_not_open: (call) => call.object === undefined,

  open_device_not_in_group: (call) => {
    const { slot: name, device = 0 } = call.op as OpenOp;
    const slot = call.world.slots.get(name!)!;
    return group(call).slot !== slot || !slot.devices[device]?.bound;
  },
  device_cdev_is_absent: () => true,
  pwrite_to_what_has_no_regions: (call) => call.object?.kind !== 'device',
  device_region_outside_contract: (call) => {
    const { regionStride, configRegion, commandRegister } = uapi.device;
    const { offset, length } = call.op as PwriteOp;
    return toBigInt(offset) !== BigInt(regionStride) * BigInt(configRegion) + BigInt(commandRegister) || length !== 2;
  },
  pwrite_reads_memory: ({ process, op }) => {
    const { memory, at, length } = op as PwriteOp;
    return process.memory.accessible(process.memory.regions.get(memory)!.base + BigInt(at), length, 'read') < length;
  },
  open_device_group_orphaned: (call) => group(call).orphaned,
  open_device_without_backend: (call) => group(call).container?.backend === undefined,
  unknown_device_ioctl: () => true,
  access_to_what_is_not_open: (call) => call.object === undefined,

  map_dma_argsz_too_small: ({ map }) => map.argsz < mapSize,
  map_dma_flag_unknown: ({ map }) => (map.flags & ~MAP_FLAGS) !== 0,
  map_dma_vaddr_flag_with_access: ({ map }) => has(map.flags, VADDR) && has(map.flags, READ! | WRITE!),
  map_dma_no_flag: ({ map }) => map.flags === 0,
  map_dma_size_zero: ({ map }) => map.size === 0n,
  map_dma_not_page_aligned: ({ map }) => ((map.size | map.iova | map.vaddr) & PAGE_MASK) !== 0n,
  map_dma_iova_wraps: ({ map }) => wraps(map.iova, map.size),
  map_dma_vaddr_wraps: ({ map }) => wraps(map.vaddr, map.size),
  map_dma_vaddr_update_without_mapping: (call) =>
    has(call.map.flags, VADDR) && !firstOverlap(backend(call), call.map.iova, call.map.size),
  map_dma_vaddr_update_not_invalidated: (call) =>
    has(call.map.flags, VADDR) && !firstOverlap(backend(call), call.map.iova, call.map.size)!.vaddrInvalid,
  map_dma_vaddr_update_other_range: (call) => {
    if (!has(call.map.flags, VADDR)) return false;
    const found = firstOverlap(backend(call), call.map.iova, call.map.size)!;
    return found.iova !== call.map.iova || found.size !== call.map.size;
  },
  map_dma_vaddr_update_memlock_exceeded: (call) => {
    if (!has(call.map.flags, VADDR)) return false;
    const { charged } = firstOverlap(backend(call), call.map.iova, call.map.size)!;
    return charged.process !== call.process && charged.pages > 0 && exceedsMemlock(call.process, charged.pages);
  },
  map_dma_updates_vaddr: ({ map }) => has(map.flags, VADDR),
  map_dma_overlaps: (call) => firstOverlap(backend(call), call.map.iova, call.map.size) !== undefined,
  map_dma_no_entry_left: (call) => backend(call).mappings.length >= backend(call).entryLimit,
  map_dma_outside_valid_iova: (call) => !insideOneValidRange(call, call.map.iova, call.map.iova + call.map.size - 1n),
  map_dma_page_not_accessible: ({ page, map }) => {
    const protection = page?.region.pages[page.index] && page.region.protection[page.index];
    return protection !== 'read-write' && protection !== (has(map.flags, WRITE) ? 'write' : 'read');
  },
  map_dma_device_page_is_not_charged: ({ page }) => page!.region.pages[page!.index]!.device,
  map_dma_untouched_page_is_zero_page: (call) => untouchedAndReadOnly(call),
  map_dma_untouched_page_is_private: (call) => untouchedAndReadOnly(call),
  map_dma_pins_page: (call) => !untouchedAndReadOnly(call),
  map_dma_memlock_exceeded: ({ process, charge }) => exceedsMemlock(process, charge + 1),

  unmap_dma_argsz_too_small: ({ unmap }) => unmap.argsz < unmapSize,
  unmap_dma_flag_unknown: ({ unmap }) => (unmap.flags & ~UNMAP_FLAGS) !== 0,
  unmap_dma_dirty_with_other_flag: ({ unmap }) => has(unmap.flags, DIRTY) && has(unmap.flags, ALL! | UNMAP_VADDR!),
  unmap_dma_dirty_argsz_too_small: ({ unmap }) => has(unmap.flags, DIRTY) && unmap.argsz < unmapExtended,
  unmap_dma_asks_for_dirty_bitmap: ({ unmap }) => has(unmap.flags, DIRTY),
  unmap_dma_dirty_tracking_off: ({ unmap }) => has(unmap.flags, DIRTY),
  unmap_dma_iova_not_aligned: ({ unmap }) => (unmap.iova & PAGE_MASK) !== 0n,
  unmap_dma_all_with_range: ({ unmap }) => has(unmap.flags, ALL) && (unmap.iova !== 0n || unmap.size !== 0n),
  unmap_dma_size_zero: ({ unmap }) => !has(unmap.flags, ALL) && unmap.size === 0n,
  unmap_dma_size_not_aligned: ({ unmap }) => !has(unmap.flags, ALL) && (unmap.size & PAGE_MASK) !== 0n,
  unmap_dma_range_wraps: ({ unmap }) => wraps(unmap.iova, unmap.size),
  unmap_dma_cuts_first_mapping: (call) => {
    const { flags, iova } = call.unmap;
    if (!backend(call).v2 || has(flags, ALL)) return false;
    const found = mappingAt(backend(call), iova);
    return found !== undefined && found.iova !== iova;
  },
  unmap_dma_cuts_last_mapping: (call) => {
    const { flags, iova, size } = call.unmap;
    if (!backend(call).v2 || has(flags, ALL)) return false;
    const found = mappingAt(backend(call), iova + size - 1n);
    return found !== undefined && found.iova + found.size !== iova + size;
  },
  unmap_dma_vaddr_already_invalidated: (call) =>
    has(call.unmap.flags, UNMAP_VADDR) &&
    !removesNothing(call) &&
    walked(call).some(({ vaddrInvalid }) => vaddrInvalid),
  unmap_dma_end_of_address_space: (call) => endsAtTop(call),
  unmap_dma_v1_starts_inside_mapping: (call) => startsInside(call),
  unmap_dma_invalidates_vaddr: ({ unmap }) => has(unmap.flags, UNMAP_VADDR),
  unmap_dma_removes_mappings: () => true,

  dma_without_bus_mastering_moves_nothing: (call) => call.object?.kind === 'device' && !call.object.device.busMaster,
  dma_read_of_unmapped_gives_zeros: ({ segment, transfer }) =>
    !segment!.mapping && transfer.direction === 'from-memory',
  dma_write_to_unmapped_is_dropped: ({ segment, transfer }) => !segment!.mapping && transfer.direction === 'to-memory',
  dma_write_to_read_only_is_dropped: ({ segment, transfer }) =>
    !segment!.mapping!.write && transfer.direction === 'to-memory',
  dma_read_of_write_only_gives_zeros: ({ segment, transfer }) =>
    !segment!.mapping!.read && transfer.direction === 'from-memory',
  dma_read_of_write_only_gives_memory: ({ segment, transfer }) =>
    !segment!.mapping!.read && transfer.direction === 'from-memory',
  dma_reads_memory: ({ segment, transfer }) => segment!.mapping!.read && transfer.direction === 'from-memory',
  dma_writes_memory: ({ transfer }) => transfer.direction === 'to-memory',
} satisfies Record<ConditionId, Condition>;

function hasDriver(call: Call): boolean {
  const { slot: name, device } = call.op as UnbindDriverOp;
  const slot = call.world.slots.get(name)!;
  return device === 'claimed' ? slot.claimed : slot.devices[device]!.bound;
}

function exceedsMemlock({ ipcLock, lockedPages, memlockBytes }: Process, more: number): boolean {
  return !ipcLock && BigInt(lockedPages + more) > memlockBytes / BigInt(PAGE);
}

function untouchedAndReadOnly({ page, map }: Call): boolean {
  const { region, index } = page!;
  return region.private && region.pages[index]!.untouched && !has(map.flags, WRITE);
}

function endsAtTop({ unmap }: Call): boolean {
  return !has(unmap.flags, ALL) && unmap.iova + unmap.size === 1n << 64n;
}

function startsInside(call: Call): boolean {
  if (backend(call).v2 || has(call.unmap.flags, ALL)) return false;
  const found = mappingAt(backend(call), call.unmap.iova);
  return found !== undefined && found.iova !== call.unmap.iova;
}

function removesNothing(call: Call): boolean {
  return endsAtTop(call) || startsInside(call);
}
