import { uapi } from '../../spec/uapi/uapi.ts';
import { CONFIG_BYTES, type EduDevice } from './edu-device.ts';
import type { FileOperations, OpenFile } from './file-table.ts';
import type { VfioGroup } from './group.ts';
import type { IommuGroup } from './iommu-group.ts';
import type { Process } from './process.ts';
import { Request } from './requests.ts';
import { type Result, unsupported } from './result.ts';
import { COPY_FROM_USER, COPY_TO_USER, done, type Steps } from './steps.ts';

const { regionStride, configRegion } = uapi.device;
const REGIONS = 9;
/** Bytes of the one region that has registers in it. */
const BAR0_BYTES = 0x10_0000;

const KNOWN_REQUESTS: ReadonlySet<number> = new Set([
  Request.DEVICE_GET_INFO,
  Request.DEVICE_GET_REGION_INFO,
  Request.DEVICE_GET_IRQ_INFO,
  Request.DEVICE_SET_IRQS,
  Request.DEVICE_RESET,
  Request.DEVICE_GET_PCI_HOT_RESET_INFO,
  Request.DEVICE_PCI_HOT_RESET,
  Request.DEVICE_IOEVENTFD,
  Request.DEVICE_FEATURE,
]);

/** A device bound to vfio-pci. */
export class VfioDevice {
  private openCount = 0;

  constructor(
    readonly name: string,
    readonly group: VfioGroup,
    readonly iommuGroup: IommuGroup,
    /** The hardware; undefined for a function that is not the test device. */
    readonly edu: EduDevice | undefined,
  ) {}

  get isOpen(): boolean {
    return this.openCount > 0;
  }

  /** Makes a file of the device. The group's lock is held by the caller. */
  open(file: OpenFile): Result {
    if (this.openCount === 0) {
      const result = this.group.useContainer();
      if (result !== 0) return result;
      this.edu?.enable();
    } else if (this.group.container === undefined) return 'EINVAL';
    this.openCount++;
    file.operations = new DeviceFile(this);
    return 0;
  }

  /** A file of the device is closed. */
  *close(): Steps<void> {
    this.openCount--;
    if (this.openCount > 0) return;
    this.edu?.disable();
    yield* this.group.unuseContainer().put();
  }
}

/** An open file of a device. */
export class DeviceFile implements FileOperations {
  constructor(readonly device: VfioDevice) {}

  ioctl(_process: Process, request: number): Steps<Result> {
    return KNOWN_REQUESTS.has(request) ? unsupported('the ioctls of a device') : done('ENOTTY');
  }

  *read(process: Process, offset: number, address: number, length: number): Steps<Result> {
    const at = this.configOffset(offset);
    if (typeof at === 'string') return at;
    if (length === 0) return 0;
    if (at + length > CONFIG_BYTES) return 'EFAULT';
    const bytes = this.hardware().readConfig(at, length);
    if (yield COPY_TO_USER) return 'EFAULT';
    return process.mm.copyBytesToUser(address, bytes) ? length : 'EFAULT';
  }

  *write(process: Process, offset: number, address: number, length: number): Steps<Result> {
    const at = this.configOffset(offset);
    if (typeof at === 'string') return at;
    if (length === 0) return 0;
    if (at + length > CONFIG_BYTES) return 'EFAULT';
    if (yield COPY_FROM_USER) return 'EFAULT';
    const bytes = process.mm.copyBytesFromUser(address, length);
    if (bytes === undefined) return 'EFAULT';
    this.hardware().writeConfig(at, bytes);
    return length;
  }

  mmap(offset: number, length: number): 'device' | 'EINVAL' {
    return this.device.edu !== undefined && offset + length <= BAR0_BYTES ? 'device' : 'EINVAL';
  }

  *release(): Steps<void> {
    yield* this.device.close();
  }

  private hardware(): EduDevice {
    return this.device.edu ?? unsupported('access to a device other than the test device');
  }

  private configOffset(offset: number): number | 'EINVAL' {
    const region = Math.floor(offset / regionStride);
    if (region >= REGIONS) return 'EINVAL';
    if (region !== configRegion) unsupported('access to regions of a device other than its configuration space');
    return offset % regionStride;
  }
}
