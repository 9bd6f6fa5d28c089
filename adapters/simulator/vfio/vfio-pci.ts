import type { PciDevice } from '../devices/pci-device.ts';
import type { IommuGroup } from '../iommu/iommu-group.ts';
import type { Parameters } from '../parameters.ts';
import { ProgramEnd } from '../result.ts';
import type { Steps } from '../steps.ts';
import type { VfioGroup } from './group.ts';
import type { DeviceParts, VfioDevice } from './vfio-device.ts';

/** Classes of which the driver makes objects. */
export interface VfioPciParts extends DeviceParts {
  readonly VfioGroup: typeof VfioGroup;
  readonly VfioDevice: typeof VfioDevice;
}

/** The driver vfio-pci: what stands for the devices that are bound to it, and for their groups. */
export class VfioPci {
  private readonly groups = new Map<IommuGroup, VfioGroup>();
  private readonly devices = new Map<PciDevice, VfioDevice>();

  constructor(
    private readonly parts: VfioPciParts,
    private readonly parameters: Parameters,
  ) {}

  /** The object behind a group's node; undefined while no device of it is bound. */
  groupOf(group: IommuGroup): VfioGroup | undefined {
    return this.groups.get(group);
  }

  /** A device gets this driver. */
  bind(device: PciDevice): void {
    const group = this.groups.get(device.group) ?? new this.parts.VfioGroup(this.parameters, device.group);
    this.groups.set(device.group, group);
    const vfio = new this.parts.VfioDevice(device, group, this.parameters, this.parts);
    this.devices.set(device, vfio);
    group.devices.unshift(vfio);
  }

  /** A device loses this driver, and the group its node with the last one. */
  *unbind(device: PciDevice): Steps<void> {
    const vfio = this.devices.get(device)!;
    const { group } = vfio;
    group.devices.splice(group.devices.indexOf(vfio), 1);
    if (vfio.isOpen) throw new ProgramEnd('hung', 'Unbinding a driver waits for the device to be closed.');
    this.devices.delete(device);
    if (group.devices.length > 0) return;
    this.groups.delete(device.group);
    yield* group.orphan();
  }
}
