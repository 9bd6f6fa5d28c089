import type { Call } from '../call.ts';
import { type Conditions, type Effects, nothing } from '../rule-functions.ts';
import type { OpenDevice } from '../state.ts';
import { PAGE, type Page, readPage, storePage } from '../user-memory.ts';

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
} satisfies Effects;

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
