import type { TransferFault } from '../../spec/uapi/vocabulary.ts';
import type { DmaCall } from '../call/families.ts';
import { openDeviceOf } from '../call/operands.ts';
import { takeBytes } from './spare-bytes.ts';
import { PAGE, type Page, readPage, storePage } from './user-memory.ts';

/** The buffer of a transfer's device. What it holds before its first read is not specified, and no program may rely on it. */
export function bufferOf(call: DmaCall): Uint8Array {
  const { device } = openDeviceOf(call);
  device.buffer ??= takeBytes(call.world.environment.dmaBufferBytes).fill(0);
  return device.buffer;
}

/** The device reads the segment under consideration from a page. */
export function readSegment(call: DmaCall, page: Page): void {
  const { iova, buffer, length } = call.dma.segment!;
  readPage(page, offsetIn(iova), bufferOf(call), buffer, length);
}

/** The device writes the segment under consideration to a page. */
export function writeSegment(call: DmaCall, page: Page): void {
  const { iova, buffer, length } = call.dma.segment!;
  call.stored = true;
  storePage(page, offsetIn(iova), bufferOf(call).subarray(buffer, buffer + length));
}

/** The segment under consideration was not translated: what is read are zeros, what is written goes nowhere. */
export function loseSegment(call: DmaCall, fault: TransferFault): void {
  const { buffer, length } = call.dma.segment!;
  call.dma.fault ??= fault;
  if (call.dma.op.direction === 'from-memory') bufferOf(call).fill(0, buffer, buffer + length);
}

const offsetIn = (iova: bigint) => Number(iova % BigInt(PAGE));
