import { uapi } from '../../../spec/uapi/uapi.ts';
import { REGISTER_BYTES } from '../devices/edu-device.ts';
import type { Process } from '../files/file-table.ts';
import type { Parameters } from '../parameters.ts';
import type { Result } from '../result.ts';
import { COPY_FROM_USER, COPY_TO_USER, type Steps } from '../steps.ts';
import { type DeviceInterrupts, Interrupt } from './device-interrupts.ts';
import { infoBytes } from './info-bytes.ts';
import { layout } from './requests.ts';

const INFO = layout('vfio_device_info');
const REGION = layout('vfio_region_info');
const INTERRUPT = layout('vfio_irq_info');
const { VFIO_DEVICE_FLAGS_RESET: RESET, VFIO_DEVICE_FLAGS_PCI: PCI } = uapi.flags.device_flags!;
const { regionStride, regionCount, interruptCount, configRegion } = uapi.device;
/** The region of legacy graphics, which a device of another class has not. */
const GRAPHICS_REGION = 8;
/** What a region allows. */
const Region = { READ: 1, WRITE: 2, MAP: 4 } as const;
/** What can be done about interrupts of a kind. */
const Kind = { EVENT: 1, MASKABLE: 2, AUTOMASKED: 4, NO_RESIZE: 8 } as const;

/** VFIO_DEVICE_GET_INFO: reports what the device has. */
export function* getDeviceInfo(
  parameters: Parameters,
  resettable: boolean,
  process: Process,
  argument: number,
): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, INFO.size);
  if (words === undefined) return 'EFAULT';

  // argument
  const argsz = words[INFO.word.argsz!]!;
  if (argsz < INFO.size) return 'EINVAL';

  // state
  const info = [argsz, PCI! | (resettable ? RESET! : 0), regionCount, interruptCount, 0, 0];

  // result
  if (yield COPY_TO_USER) return 'EFAULT';
  return process.mm.copyToUser(argument, info, infoBytes(parameters, argsz)) ? 0 : 'EFAULT';
}

/** VFIO_DEVICE_GET_REGION_INFO: reports where a region is, and what it allows. */
export function* getRegionInfo(configBytes: number, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, REGION.size);
  if (words === undefined) return 'EFAULT';

  // argument
  const index = words[REGION.word.index!]!;
  if (words[REGION.word.argsz!]! < REGION.size || index >= GRAPHICS_REGION) return 'EINVAL';

  // state
  const { size, flags } = regionOf(index, configBytes);
  words[REGION.word.flags!] = flags;
  words[REGION.word.size!] = size;
  words[REGION.word.size! + 1] = 0;
  words[REGION.word.offset!] = 0;
  words[REGION.word.offset! + 1] = (index * regionStride) / 2 ** 32;

  // result
  if (yield COPY_TO_USER) return 'EFAULT';
  return process.mm.copyToUser(argument, words) ? 0 : 'EFAULT';
}

/** VFIO_DEVICE_GET_IRQ_INFO: reports how many interrupts of a kind there are, and what can be done about them. */
export function* getInterruptInfo(interrupts: DeviceInterrupts, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, INTERRUPT.size);
  if (words === undefined) return 'EFAULT';

  // argument
  const index = words[INTERRUPT.word.index!]!;
  if (words[INTERRUPT.word.argsz!]! < INTERRUPT.size || index >= interruptCount) return 'EINVAL';
  // A device of conventional PCI cannot report errors.
  if (index === Interrupt.ERROR) return 'EINVAL';

  // state
  words[INTERRUPT.word.flags!] =
    Kind.EVENT | (index === Interrupt.LINE ? Kind.MASKABLE | Kind.AUTOMASKED : Kind.NO_RESIZE);
  words[INTERRUPT.word.count!] = interrupts.countOf(index);

  // result
  if (yield COPY_TO_USER) return 'EFAULT';
  return process.mm.copyToUser(argument, words) ? 0 : 'EFAULT';
}

function regionOf(index: number, configBytes: number): { size: number; flags: number } {
  if (index === 0) return { size: REGISTER_BYTES, flags: Region.READ | Region.WRITE | Region.MAP };
  if (index === configRegion) return { size: configBytes, flags: Region.READ | Region.WRITE };
  return { size: 0, flags: 0 };
}
