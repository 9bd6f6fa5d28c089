import { uapi } from '../../../spec/uapi/uapi.ts';
import { type EduDevice, REGISTER_BYTES } from '../devices/edu-device.ts';
import { EXPRESS_BYTES, ExtendedConfigSpace } from '../devices/extended-config-space.ts';
import { CONFIG_BYTES } from '../devices/pci-config-space.ts';
import type { PciDevice } from '../devices/pci-device.ts';
import { VirtualConfigSpace } from '../devices/virtual-config-space.ts';
import type { FileMapping, FileOperations, OpenFile, Process } from '../files/file-table.ts';
import type { Parameters } from '../parameters.ts';
import { type Result, unsupported } from '../result.ts';
import { COPY_FROM_USER, done, type Steps } from '../steps.ts';
import { getDeviceInfo, getInterruptInfo, getRegionInfo } from './device-info.ts';
import type { DeviceInterrupts } from './device-interrupts.ts';
import type { GroupDevice, VfioGroup } from './group.ts';
import { type Registers, readConfig, readRegisters, writeConfig, writeRegisters } from './region-access.ts';
import { Request } from './requests.ts';

const { regionStride, configRegion } = uapi.device;

/** Requests that the driver knows and this one does not perform. */
const UNSUPPORTED: ReadonlySet<number> = new Set([
  Request.DEVICE_GET_PCI_HOT_RESET_INFO,
  Request.DEVICE_PCI_HOT_RESET,
  Request.DEVICE_IOEVENTFD,
]);

/** What the driver has for a device while it is open. */
export interface Enabled extends Registers {
  readonly interrupts: DeviceInterrupts;
}

/** Classes of which a device makes objects. */
export interface DeviceParts {
  readonly DeviceFile: typeof DeviceFile;
  readonly DeviceInterrupts: typeof DeviceInterrupts;
}

/** A device bound to vfio-pci. */
export class VfioDevice implements GroupDevice {
  private openCount = 0;
  private state: Enabled | undefined;

  constructor(
    readonly hardware: PciDevice,
    readonly group: VfioGroup,
    readonly parameters: Parameters,
    private readonly parts: DeviceParts,
  ) {}

  get isOpen(): boolean {
    return this.openCount > 0;
  }

  get name(): string {
    return this.hardware.name;
  }

  /** Bytes of its configuration space. */
  get configBytes(): number {
    return this.hardware.isExpress ? EXPRESS_BYTES : CONFIG_BYTES;
  }

  /** Makes a file of the device. The group's lock is held by the caller. */
  open(file: OpenFile): Result {
    if (this.openCount === 0) {
      const result = this.group.useContainer();
      if (result !== 0) return result;
      if (this.hardware.edu !== undefined) this.enable(this.hardware.edu);
    } else if (this.group.container === undefined) return 'EINVAL';
    this.openCount++;
    file.operations = new this.parts.DeviceFile(this);
    return 0;
  }

  /** A file of the device is closed. */
  *close(): Steps<void> {
    this.openCount--;
    if (this.openCount > 0) return;
    if (this.state !== undefined) this.disable(this.state);
    yield* this.group.unuseContainer().put();
  }

  /** Resets the function. Its configuration is kept; its line is let go. */
  reset(): Result {
    if (!this.hardware.resettable) return 'EINVAL';
    this.enabled.edu.config.linePulled = false;
    return 0;
  }

  /** What there is while the device is open. */
  get enabled(): Enabled {
    return this.state ?? unsupported('access to a device other than the test device');
  }

  private enable(edu: EduDevice): void {
    if (this.hardware.resettable) edu.config.linePulled = false;
    edu.config.enable();
    const hasLine = () => config.hasInterruptLine;
    const interrupts: DeviceInterrupts = new this.parts.DeviceInterrupts(edu, hasLine, this.parameters);
    const exposure = { pageRequest: this.parameters.pri_exposure === 'always', pasid: this.exposesPasids };
    const bits = this.hardware.pasids?.bits ?? 0;
    const extended = this.hardware.isExpress ? new ExtendedConfigSpace(bits, exposure) : undefined;
    const config: VirtualConfigSpace = new VirtualConfigSpace(edu.config, interrupts, extended);
    const widest = this.parameters.region_access_width === 'eight_bytes' ? 8 : 4;
    this.state = { edu, config, interrupts, widest };
    this.hardware.showsPasids = exposure.pasid && bits > 0;
  }

  /** Whether the capability for PASIDs may be found, as things are now. */
  protected get exposesPasids(): boolean {
    switch (this.parameters.pasid_exposure) {
      case 'always':
        return true;
      case 'singleton_group':
        return this.hardware.group.devices.length === 1;
      case 'singleton_container':
        return this.group.container?.deviceCount === 1;
      default:
        return false;
    }
  }

  protected disable({ edu, interrupts }: Enabled): void {
    interrupts.disable();
    edu.config.disable();
    if (this.hardware.resettable) edu.config.linePulled = false;
    this.state = undefined;
    this.hardware.showsPasids = false;
  }
}

/** VFIO_DEVICE_FEATURE: the test device has none of those that are asked for here. */
function* deviceFeature(process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, FEATURE_BYTES);
  if (words === undefined) return 'EFAULT';

  // argument
  const [argsz = 0, flags = 0] = words;
  if (argsz < FEATURE_BYTES || flags >>> 19 !== 0) return 'EINVAL';
  const way = flags >>> 16;
  if ((way & Way.PROBE) === 0 && (way & Way.GET) !== 0 && (way & Way.SET) !== 0) return 'EINVAL';
  const feature = flags & 0xffff;
  if (feature >= 3 && feature <= 5) return unsupported('low power of a device');

  // result
  return 'ENOTTY';
}

/** Bytes of the argument of DEVICE_FEATURE that come before the data. */
const FEATURE_BYTES = 8;
/** What is asked of a feature. */
const Way = { GET: 1, SET: 2, PROBE: 4 } as const;

/** Bytes of the argument of BIND_IOMMUFD. */
const BIND_IOMMUFD_BYTES = 16;

/** VFIO_DEVICE_BIND_IOMMUFD of a file that came from the device's group: no argument makes it right. */
function* bindIommufd(process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  if (process.mm.copyFromUser(argument, BIND_IOMMUFD_BYTES) === undefined) return 'EFAULT';

  // state
  return 'EINVAL';
}

/** An open file of a device. */
export class DeviceFile implements FileOperations {
  constructor(readonly device: VfioDevice) {}

  ioctl(process: Process, request: number, argument: number): Steps<Result> {
    const { parameters, hardware } = this.device;
    switch (request) {
      case Request.DEVICE_GET_INFO:
        return getDeviceInfo(parameters, hardware.resettable, process, argument);
      case Request.DEVICE_GET_REGION_INFO:
        return getRegionInfo(this.device.configBytes, process, argument);
      case Request.DEVICE_GET_IRQ_INFO:
        return getInterruptInfo(this.device.enabled.interrupts, process, argument);
      case Request.DEVICE_SET_IRQS:
        return this.device.enabled.interrupts.set(process, argument);
      case Request.DEVICE_RESET:
        return done(this.device.reset());
      case Request.DEVICE_FEATURE:
        return deviceFeature(process, argument);
      case Request.DEVICE_BIND_IOMMUFD:
        return parameters.device_cdev === 'present' ? bindIommufd(process, argument) : done('ENOTTY');
      default:
        return UNSUPPORTED.has(request) ? unsupported('this ioctl of a device') : done('ENOTTY');
    }
  }

  *read(process: Process, offset: number, address: number, length: number): Steps<Result> {
    if (length === 0) return 0;
    const region = Math.floor(offset / regionStride);
    const at = offset % regionStride;
    if (region === 0) return yield* readRegisters(this.device.enabled, process, at, address, length);
    if (region === configRegion) return yield* readConfig(this.device.enabled.config, process, at, address, length);
    // Nothing is behind the other addresses and the ROM's, and there are no legacy graphics.
    return 'EINVAL';
  }

  *write(process: Process, offset: number, address: number, length: number): Steps<Result> {
    if (length === 0) return 0;
    const region = Math.floor(offset / regionStride);
    const at = offset % regionStride;
    if (region === 0) return yield* writeRegisters(this.device.enabled, process, at, address, length);
    if (region === configRegion) return yield* writeConfig(this.device.enabled.config, process, at, address, length);
    return 'EINVAL';
  }

  mmap(offset: number, length: number): FileMapping | 'EINVAL' {
    if (offset + length > REGISTER_BYTES) return 'EINVAL';
    const { config } = this.device.enabled;
    return { backing: 'device', reachable: () => config.memoryEnabled };
  }

  *release(): Steps<void> {
    yield* this.device.close();
  }
}
