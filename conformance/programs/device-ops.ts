import { fromBigInt } from '../../spec/uapi/integer.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Integer, IoctlOp, Name, Op } from '../../spec/uapi/vocabulary.ts';
import { argumentAt, layOut, number } from './build.ts';

const { regionStride, configRegion } = uapi.device;
const flags = uapi.flags.irq_set_flags!;
const HEADER = uapi.structs.vfio_irq_set!.size;

/** Interrupts of a PCI device by index. */
export const interrupt = {
  intx: uapi.values.irq_index!.VFIO_PCI_INTX_IRQ_INDEX!,
  msi: uapi.values.irq_index!.VFIO_PCI_MSI_IRQ_INDEX!,
  request: uapi.values.irq_index!.VFIO_PCI_REQ_IRQ_INDEX!,
};

/** Registers of the edu device with which it is told to interrupt. */
export const RAISE = 0x60;
export const ACKNOWLEDGE = 0x64;

/** Where a byte of a region is in the device's file. */
export const regionAt = (region: number, offset: number | bigint): Integer =>
  fromBigInt(BigInt(regionStride) * BigInt(region) + BigInt(offset));

/** Reads bytes of a region into the memory `out`. */
export const readRegion = (fd: Name, region: number, offset: number, length: number, at = 0): Op => ({
  op: 'pread',
  fd,
  offset: regionAt(region, offset),
  memory: 'out',
  at,
  length,
});

/** Writes bytes to a region; needs the memory `arg`. */
export const writeRegion = (fd: Name, region: number, offset: number, bytes: string): Op[] => [
  { op: 'poke', memory: 'arg', at: 0, bytes },
  { op: 'pwrite', fd, offset: regionAt(region, offset), memory: 'arg', at: 0, length: bytes.length / 2 },
];

export const readConfig = (fd: Name, offset: number, length: number, at = 0): Op =>
  readRegion(fd, configRegion, offset, length, at);
export const writeConfig = (fd: Name, offset: number, bytes: string): Op[] =>
  writeRegion(fd, configRegion, offset, bytes);

/** What SET_IRQS is to do, to one interrupt unless `count` says otherwise. */
interface SetIrqs {
  index: number;
  action: 'mask' | 'unmask' | 'trigger';
  count?: number;
  /** A switch, or a descriptor: by name, or a number. Without either there is no data. */
  on?: boolean;
  event?: Name | number;
}

/** SET_IRQS; needs the memory `arg`. */
export function setIrqs(fd: Name, { index, action, count = 1, on, event }: SetIrqs): IoctlOp {
  const kind = event !== undefined ? 'EVENTFD' : on !== undefined ? 'BOOL' : 'NONE';
  const data = count === 0 || kind === 'NONE' ? '' : kind === 'BOOL' ? (on ? '01' : '00') : descriptor(event!);
  const { bytes } = layOut('vfio_irq_set', {
    argsz: HEADER + data.length / 2,
    flags: flags[`VFIO_IRQ_SET_DATA_${kind}`]! | flags[`VFIO_IRQ_SET_ACTION_${action.toUpperCase()}`]!,
    index,
    count,
  });
  const relocations = typeof event === 'string' && data !== '' ? [{ at: HEADER, width: 4 as const, ref: event }] : [];
  const argument = argumentAt('arg', 0, { bytes: bytes + data, relocations });
  return { op: 'ioctl', fd, number: number('VFIO_DEVICE_SET_IRQS'), argument };
}

/** Four bytes of a number, or of what a relocation stands in for. */
function descriptor(event: Name | number): string {
  const bytes = Buffer.alloc(4);
  if (typeof event === 'number') bytes.writeInt32LE(event);
  return bytes.toString('hex');
}

export const openEvent = (as: Name): Op => ({ op: 'open', what: 'event', as });
export const readEvent = (fd: Name): Op => ({ op: 'read_event', fd });
export const raiseInterrupt = (fd: Name): Op[] => writeRegion(fd, 0, RAISE, '01000000');
export const acknowledgeInterrupt = (fd: Name): Op[] => writeRegion(fd, 0, ACKNOWLEDGE, '01000000');
