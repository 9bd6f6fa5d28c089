import { toBigInt } from '../../../spec/uapi/integer.ts';
import type { TransferFault } from '../../../spec/uapi/vocabulary.ts';
import type { DmaCall } from '../../call/families.ts';
import { openDeviceOf } from '../../call/operands.ts';
import { ACCESSED, DIRTY, isCanonical, walkGuestTable, walkStart } from '../../memory/guest-page-walk.ts';
import { secondStageOf, type TranslationRequest, waysToTranslate } from '../../memory/guest-translation.ts';
import { loseSegment, readSegment, writeSegment } from '../../memory/transfer.ts';
import { storePage } from '../../memory/user-memory.ts';
import type { GuestTable } from '../../state/device.ts';
import { domainOf } from '../../state/state.ts';
import type { Condition, Conditions, Effects } from '../rule-functions.ts';

const WIDEST_PASID = 20;

const writes = (call: DmaCall) => call.dma.op.direction === 'to-memory';

export const conditions = {
  dma_with_pasid_outside_contract: (call) => call.dma.op.pasid !== undefined,
  dma_of_emulated_device_outside_contract: (call) => openDeviceOf(call).device.slot.kind === 'emulated',
  dma_with_pasid_that_device_cannot_send: (call) => {
    const { pasid } = call.dma.op;
    return pasid !== undefined && !canSend(call, pasidOf(call));
  },
  dma_with_pasid_not_bound: (call) => tableOf(call) === undefined,
  dma_with_pasid_address_not_canonical: (call) => !isCanonical(call.dma.segment!.iova, tableOf(call)!.levels),
  guest_table_not_mapped: faults(/^table_\d_not_mapped$/),
  guest_entry_not_present: faults(/^level_\d_not_present$/),
  guest_entry_has_reserved_bits: faults(/^level_\d_reserved_bits$/),
  guest_entry_supervisor_only: faults(/^level_\d_supervisor$/),
  guest_entry_not_writable: faults(/^level_\d_not_writable$/),
  guest_table_not_writable: faults(/^table_\d_not_writable$/),
  guest_page_not_mapped: faults(/^page_not_mapped$/),
  guest_page_not_readable: faults(/^page_not_readable$/),
  guest_page_not_writable: faults(/^page_not_writable$/),
  dma_with_pasid_reads_page: (call) => !writes(call),
  dma_with_pasid_writes_page: writes,
} satisfies Conditions<DmaCall>;

export const effects = {
  dma_with_pasid_not_bound: (call) => loseSegment(call, 'pasid_not_bound'),
  dma_with_pasid_address_not_canonical: (call) => loseSegment(call, 'not_canonical'),
  guest_table_on_write_only_mapping_is_readable: (call) => {
    call.dma.readsWriteOnly = true;
  },
  dma_with_pasid_walks_guest_table: (call) => {
    const { address, writes, secondStage } = request(call);
    const { root, levels } = tableOf(call)!;
    call.dma.walk = walkGuestTable(address, writes, walkStart(root, levels, secondStage), secondStage);
  },
  cached_translation_may_be_used: (call) => {
    const ways = waysToTranslate(request(call), call.dma.walk!);
    const last = ways.length - 1;
    const way = ways[last === 0 || call.dma.prefersCached ? last : call.chooser.choose(ways.length)]!;
    call.dma.walk = way.walk;
    for (const fill of way.fills) fill();
  },
  walk_sets_accessed_bits: (call) => setBits(call, ACCESSED),
  walk_sets_dirty_bit: (call) => setBits(call, DIRTY),
  guest_table_not_mapped: lose,
  guest_entry_not_present: lose,
  guest_entry_has_reserved_bits: lose,
  guest_entry_supervisor_only: lose,
  guest_entry_not_writable: lose,
  guest_table_not_writable: lose,
  guest_page_not_mapped: lose,
  guest_page_not_readable: lose,
  guest_page_not_writable: lose,
  dma_with_pasid_reads_page: (call) => readSegment(call, call.dma.walk!.found!.page),
  dma_with_pasid_writes_page: (call) => writeSegment(call, call.dma.walk!.found!.page),
} satisfies Effects<DmaCall>;

/** The PASID of a transfer that has one; from a name without saved output one too great for any device. */
function pasidOf(call: DmaCall): bigint {
  const pasid = call.dma.op.pasid!;
  if (typeof pasid !== 'object') return toBigInt(pasid);
  return BigInt.asUintN(64, (call.process.saved.get(pasid.ref) ?? -1n) + toBigInt(pasid.add ?? 0));
}

/** Whether a PASID is narrow enough for the device; one without any sends not even 0. */
function canSend(call: DmaCall, pasid: bigint): boolean {
  const bits = call.world.environment.nesting ? (openDeviceOf(call).device.slot.pasidBits ?? WIDEST_PASID) : 0;
  return bits > 0 && pasid >> BigInt(bits) === 0n;
}

function tableOf(call: DmaCall): GuestTable | undefined {
  return openDeviceOf(call).device.pasidTable.get(Number(pasidOf(call)));
}

/** What the IOMMU is asked for by the segment under consideration. */
function request(call: DmaCall): TranslationRequest {
  const { device, group } = openDeviceOf(call);
  return {
    device,
    pasid: Number(pasidOf(call)),
    address: call.dma.segment!.iova,
    writes: writes(call),
    secondStage: secondStageOf(group, call.dma.readsWriteOnly),
    cache: domainOf(group)?.cache,
  };
}

/** Whether the walk ended in a fault of a kind. */
function faults(kind: RegExp): Condition<DmaCall> {
  return ({ dma: { walk } }) => walk!.fault !== undefined && kind.test(walk!.fault);
}

function lose(call: DmaCall): void {
  loseSegment(call, call.dma.walk!.fault as TransferFault);
}

/** Sets one bit in all entries where the walk has to. */
function setBits(call: DmaCall, bit: number): void {
  for (const { table, at, bits } of call.dma.walk!.updates) {
    if ((bits & bit) === 0) continue;
    call.stored = true;
    storePage(table, at, Uint8Array.of((table.bytes?.[at] ?? table.fill) | bit));
  }
}
