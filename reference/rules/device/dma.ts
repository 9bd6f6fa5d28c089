import type { DmaCall } from '../../call/families.ts';
import { openDeviceOf } from '../../call/operands.ts';
import { bufferOf, loseSegment, readSegment, writeSegment } from '../../memory/transfer.ts';
import { PAGE, type Page } from '../../memory/user-memory.ts';
import { type Conditions, type Effects, nothing } from '../rule-functions.ts';

const device = (call: DmaCall) => openDeviceOf(call).device;

/** Whether the device reads memory; it writes it otherwise. */
const reads = (call: DmaCall) => call.dma.op.direction === 'from-memory';

export const conditions = {
  dma_without_memory_decode: (call) => !device(call).memoryDecode,
  dma_read_without_bus_mastering_gives_zeros: (call) => !device(call).busMaster && reads(call),
  dma_write_without_bus_mastering_is_dropped: (call) => !device(call).busMaster && !reads(call),
  dma_read_of_unmapped_gives_zeros: (call) => !call.dma.segment!.mapping && reads(call),
  dma_write_to_unmapped_is_dropped: (call) => !call.dma.segment!.mapping && !reads(call),
  dma_write_to_read_only_is_dropped: (call) => !call.dma.segment!.mapping!.write && !reads(call),
  dma_read_of_write_only_gives_zeros: (call) => !call.dma.segment!.mapping!.read && reads(call),
  dma_read_of_write_only_gives_memory: (call) => !call.dma.segment!.mapping!.read && reads(call),
  dma_reads_memory: (call) => call.dma.segment!.mapping!.read && reads(call),
  dma_writes_memory: (call) => !reads(call),
} satisfies Conditions<DmaCall>;

export const effects = {
  dma_read_without_bus_mastering_gives_zeros: (call) => {
    const { at = 0, length } = call.dma.op;
    bufferOf(call).fill(0, at, at + length);
  },
  dma_write_without_bus_mastering_is_dropped: nothing,
  dma_read_of_unmapped_gives_zeros: (call) => loseSegment(call, 'not_mapped'),
  dma_write_to_unmapped_is_dropped: (call) => loseSegment(call, 'not_mapped'),
  dma_write_to_read_only_is_dropped: (call) => loseSegment(call, 'not_writable'),
  dma_read_of_write_only_gives_zeros: (call) => loseSegment(call, 'not_readable'),
  dma_read_of_write_only_gives_memory: (call) => readSegment(call, target(call)),
  dma_reads_memory: (call) => readSegment(call, target(call)),
  dma_writes_memory: (call) => writeSegment(call, target(call)),
} satisfies Effects<DmaCall>;

/** The page of a segment without PASID. */
function target(call: DmaCall): Page {
  const { iova, mapping } = call.dma.segment!;
  return mapping!.pages[Math.floor(Number(iova - mapping!.iova) / PAGE)]!;
}
