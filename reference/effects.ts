import type { EffectId, WriteId } from '../spec/contract/rule-ids.ts';
import { toBigInt } from '../spec/uapi/integer.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { BindDriverOp, CloseOp, OpenOp, PwriteOp, UnbindDriverOp } from '../spec/uapi/vocabulary.ts';
import type { Call } from './call.ts';
import { walked } from './conditions.ts';
import { release } from './descriptors.ts';
import { type Container, detachGroup, type Group, newGroup, type OpenDevice, uncharge } from './state.ts';
import { firstOverlap, insertMapping } from './type1-mappings.ts';
import { PAGE, type Page, readPage, storePage } from './user-memory.ts';

/** Changes the state. */
export type Effect = (call: Call) => void;

const { VFIO_DMA_MAP_FLAG_READ: READ, VFIO_DMA_MAP_FLAG_WRITE: WRITE } = uapi.flags.dma_map_flags as Record<
  string,
  number
>;
const nothing: Effect = () => {};

/** The page that every untouched page of Linux 6.1 reads as. */
const zeroPage: Page = { bytes: undefined, fill: 0, untouched: false, watched: false, device: false, news: undefined };

const backend = (call: Call) => (call.object as Container).backend!;
const device = (call: Call) => (call.object as OpenDevice).device;

/** The effects of all rules that have one. */
export const effects = {
  open_container_creates_container: (call) => {
    call.created = { kind: 'container', groups: new Set(), backend: undefined };
  },
  open_group_opens: (call) => {
    const { group } = call.world.slots.get((call.op as OpenOp).slot!)!;
    group.open = 1;
    call.created = group;
  },
  open_device_opens: (call) => {
    const group = call.object as Group;
    const device = group.slot.devices[(call.op as OpenOp).device ?? 0]!;
    if (device.opens++ === 0) device.busMaster = false;
    group.devicesOpen++;
    call.created = { kind: 'device', device, group };
  },
  close_releases_what_nothing_holds: (call) => release(call.process, (call.op as CloseOp).fd),

  set_iommu_creates_backend: (call) => {
    const type = Number(call.argument);
    const entryLimit = Number(call.world.parameters.get('vfio_iommu_type1.dma_entry_limit'));
    (call.object as Container).backend = {
      type,
      v2: type !== uapi.values.iommu_type!.VFIO_TYPE1_IOMMU,
      mappings: [],
      entryLimit,
    };
  },
  set_container_attaches_group: (call) => {
    const group = call.object as Group;
    group.container = call.process.descriptors.get(call.word)!.object as Container;
    group.container.groups.add(group);
  },
  unbind_of_last_device_orphans_group: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    const { group, devices } = call.world.slots.get(slot)!;
    devices[device as number]!.bound = false;
    detachGroup(group);
    group.orphaned = true;
  },
  unbind_of_one_device: (call) => {
    const { slot, device } = call.op as UnbindDriverOp;
    call.world.slots.get(slot)!.devices[device as number]!.bound = false;
  },
  unbind_of_claiming_driver_makes_group_viable: (call) => {
    call.world.slots.get((call.op as UnbindDriverOp).slot)!.claimed = false;
  },
  bind_native_driver_makes_group_not_viable: (call) => {
    call.world.slots.get((call.op as BindDriverOp).slot)!.claimed = true;
  },
  bind_vfio_driver_makes_new_group: (call) => {
    const { slot: name, device } = call.op as BindDriverOp;
    const slot = call.world.slots.get(name)!;
    slot.devices[device as number]!.bound = true;
    if (slot.group.orphaned) slot.group = newGroup(slot);
  },

  map_dma_updates_vaddr: (call) => {
    const mapping = firstOverlap(backend(call), call.map.iova, call.map.size)!;
    mapping.vaddrInvalid = false;
    uncharge(mapping);
    mapping.charged = { process: call.process, pages: mapping.charged.pages };
    call.process.lockedPages += mapping.charged.pages;
  },
  map_dma_device_page_is_not_charged: (call) => pin(call, 0),
  map_dma_untouched_page_is_zero_page: (call) => {
    call.pinned.push(zeroPage);
  },
  map_dma_untouched_page_is_private: (call) => pin(call, 1),
  map_dma_pins_page: (call) => pin(call, 1),
  map_dma_creates_mapping: (call) => {
    const { iova, size, flags } = call.map;
    call.process.lockedPages += call.charge;
    insertMapping(backend(call), {
      iova,
      size,
      read: (flags & READ!) !== 0,
      write: (flags & WRITE!) !== 0,
      pages: call.pinned,
      charged: { process: call.process, pages: call.charge },
      vaddrInvalid: false,
    });
  },

  unmap_dma_end_of_address_space: nothing,
  unmap_dma_v1_starts_inside_mapping: nothing,
  unmap_dma_invalidates_vaddr: (call) => {
    for (const mapping of walked(call)) {
      mapping.vaddrInvalid = true;
      call.unmapped += mapping.size;
    }
  },
  unmap_dma_removes_mappings: (call) => {
    const gone = walked(call);
    if (gone.length === 0) return;
    for (const mapping of gone) {
      uncharge(mapping);
      call.unmapped += mapping.size;
    }
    const one = backend(call);
    one.mappings = one.mappings.filter((mapping) => !gone.includes(mapping));
  },

  command_register_write_sets_bus_mastering: (call) => {
    const { memory, at } = call.op as PwriteOp;
    const value = new Uint8Array(1);
    call.process.memory.read(call.process.memory.regions.get(memory)!.base + BigInt(at), value, 0, 1);
    device(call).busMaster = (value[0]! & uapi.device.commandBusMaster) !== 0;
  },
  dma_read_of_unmapped_gives_zeros: (call) => readZeros(call),
  dma_write_to_unmapped_is_dropped: nothing,
  dma_write_to_read_only_is_dropped: nothing,
  dma_read_of_write_only_gives_zeros: (call) => readZeros(call),
  dma_read_of_write_only_gives_memory: (call) => readMemory(call),
  dma_reads_memory: (call) => readMemory(call),
  dma_writes_memory: (call) => {
    const { buffer, length } = call.segment!;
    const { page, offset } = target(call);
    call.stored = true;
    storePage(page, offset, bufferOf(call).subarray(buffer, buffer + length));
  },
} satisfies Record<EffectId, Effect>;

/** What rules that write the argument back write. */
export const contents = {
  unmap_dma_writes_argument: (call) => {
    const size = uapi.structs.vfio_iommu_type1_dma_unmap!.fields.find(({ name }) => name === 'size')!;
    const block = call.block.slice();
    new DataView(block.buffer).setBigUint64(size.at, call.unmapped, true);
    return block;
  },
} satisfies Record<WriteId, (call: Call) => Uint8Array>;

function pin(call: Call, charge: 0 | 1): void {
  const page = call.page!.region.pages[call.page!.index]!;
  page.untouched = false;
  call.pinned.push(page);
  call.charge += charge;
}

function target(call: Call): { page: Page; offset: number } {
  const { iova, mapping } = call.segment!;
  const offset = Number(iova - mapping!.iova);
  return { page: mapping!.pages[Math.floor(offset / PAGE)]!, offset: offset % PAGE };
}

/** A device's buffer. What it holds before its first read is not specified, and no program may rely on it. */
function bufferOf(call: Call): Uint8Array {
  const one = device(call);
  one.buffer ??= new Uint8Array(call.world.environment.dmaBufferBytes);
  return one.buffer;
}

function readZeros(call: Call): void {
  const { buffer, length } = call.segment!;
  bufferOf(call).fill(0, buffer, buffer + length);
}

function readMemory(call: Call): void {
  const { buffer, length } = call.segment!;
  const { page, offset } = target(call);
  readPage(page, offset, bufferOf(call), buffer, length);
}

/** The I/O virtual address that a device drives for an address, which loses its high bits. */
export function driven(call: Call): bigint {
  return BigInt.asUintN(call.world.environment.dmaAddressBits, toBigInt(call.transfer.iova));
}
