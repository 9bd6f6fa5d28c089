import type { Call } from '../call.ts';
import { type Conditions, type Effects, nothing } from '../rule-functions.ts';
import type { OpenDevice } from '../state.ts';
import { bufferOf, loseSegment, readSegment, writeSegment } from '../transfer.ts';
import { PAGE, type Page } from '../user-memory.ts';

const device = (call: Call) => (call.object as OpenDevice).device;

export const conditions = {
  dma_read_without_bus_mastering_gives_zeros: (call) =>
    !device(call).busMaster && call.transfer.direction === 'from-memory',
  dma_write_without_bus_mastering_is_dropped: (call) =>
    !device(call).busMaster && call.transfer.direction === 'to-memory',
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
} satisfies Conditions;

export const effects = {
  dma_read_without_bus_mastering_gives_zeros: (call) => {
    const { at = 0, length } = call.transfer;
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
} satisfies Effects;

/** The page of an untagged segment. */
function target(call: Call): Page {
  const { iova, mapping } = call.segment!;
  return mapping!.pages[Math.floor(Number(iova - mapping!.iova) / PAGE)]!;
}
