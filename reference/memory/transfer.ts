import type { TransferFault } from '../../spec/uapi/vocabulary.ts';
import type { Call } from '../call/call.ts';
import { openDeviceOf, opOf } from '../call/operands.ts';
import { takeBytes } from './spare-bytes.ts';
import { PAGE, type Page, readPage, storePage } from './user-memory.ts';

/** The buffer of a transfer's device. What it holds before its first read is not specified, and no program may rely on it. */
export function bufferOf(call: Call): Uint8Array {
  const { device } = openDeviceOf(call);
  device.buffer ??= takeBytes(call.world.environment.dmaBufferBytes).fill(0);
  return device.buffer;
}

/** The device reads the segment under consideration from a page. */
export function readSegment(call: Call, page: Page): void {
  const { iova, buffer, length } = call.segment!;
  readPage(page, offsetIn(iova), bufferOf(call), buffer, length);
}

/** The device writes the segment under consideration to a page. */
export function writeSegment(call: Call, page: Page): void {
  const { iova, buffer, length } = call.segment!;
  call.stored = true;
  storePage(page, offsetIn(iova), bufferOf(call).subarray(buffer, buffer + length));
}

/** The segment under consideration was not translated: what is read are zeros, what is written goes nowhere. */
export function loseSegment(call: Call, fault: TransferFault): void {
  const { buffer, length } = call.segment!;
  call.fault ??= fault;
  if (opOf(call, 'dma').direction === 'from-memory') bufferOf(call).fill(0, buffer, buffer + length);
}

const offsetIn = (iova: bigint) => Number(iova % BigInt(PAGE));
