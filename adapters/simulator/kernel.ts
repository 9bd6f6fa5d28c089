import { emulatedEnvironment } from '../../spec/uapi/emulated-machine.ts';
import type { Machine, SlotDevice } from '../../spec/uapi/vocabulary.ts';
import { type Driver, PciDevice } from './devices/pci-device.ts';
import type { Node } from './files/file-table.ts';
import { foreignNodes } from './files/foreign-file.ts';
import type { IommuUnit } from './iommu/iommu-domain.ts';
import { type DeviceKind, IommuGroup } from './iommu/iommu-group.ts';
import type { AddressSpace, MemorySystem } from './mm/address-space.ts';
import { Journal } from './mm/journal.ts';
import { PAGE_SIZE, type PhysicalMemory } from './mm/physical-memory.ts';
import { ReverseMap } from './mm/reverse-map.ts';
import type { MemoryOwner } from './mm/user-mapping.ts';
import { ModuleParameters } from './module-parameters.ts';
import type { Caching } from './nested/caching.ts';
import { PasidFunction } from './nested/pasid-function.ts';
import type { Hardware } from './nested/translation.ts';
import type { Parameters } from './parameters.ts';
import type { Parts } from './parts.ts';
import type { PasidService } from './pasids/pasid-service.ts';
import { type Result, unsupported } from './result.ts';
import type { Steps } from './steps.ts';
import { Type1Driver } from './type1/type1-driver.ts';
import { ContainerNode } from './vfio/container.ts';
import { VfioPci } from './vfio/vfio-pci.ts';

/** I/O virtual addresses that interrupts use, inclusive. */
export const RESERVED = [{ first: 0xfee0_0000, last: 0xfeef_ffff }];

/** Sizes of the pages that the IOMMU translates: 4 KiB, 2 MiB, 1 GiB, one bit each. */
export const PAGE_SIZES = 0x4020_1000;

/** A group of the machine. */
export interface KernelSlot {
  devices: number;
  viable: boolean;
  resettable: boolean;
  iommu: number;
  kind: DeviceKind;
  pasidBits: number;
  /** The model of its devices, where that is not the machine's own. */
  model?: string;
}

/** A group that is there, and its devices as their drivers see them. */
interface PciGroup {
  readonly iommu: IommuGroup;
  readonly devices: PciDevice[];
}

/** IOMMU of a machine, as its properties say. */
export function unitOf(machine: Required<Machine>, parameters: Parameters): IommuUnit {
  return {
    lastPage: 2 ** machine.addressBits / PAGE_SIZE - 1,
    reserved: RESERVED.map(({ first, last }) => ({
      first: first / PAGE_SIZE,
      last: Math.floor(last / PAGE_SIZE),
    })),
    pageSizes: PAGE_SIZES,
    interruptRemapping: machine.interruptRemapping,
    snoopControl: machine.snoopControl,
    writeImpliesRead: parameters.write_only_mapping === 'readable',
    nesting: emulatedEnvironment(machine, {}).nesting,
  };
}

/** A kernel that has just come up on a machine. Its groups exist once somebody asks for them. */
export class Kernel implements MemorySystem, Hardware {
  readonly reverseMap = new ReverseMap();
  readonly journal = new Journal(this.reverseMap);
  readonly pinsZeroPage: boolean;
  /** Parameters of the type1 module. */
  readonly type1: ModuleParameters;
  /** Who has which PASIDs, and what the IOMMU driver does with them. */
  readonly pasids: PasidService;
  private readonly container: Node;
  private readonly vfioPci: VfioPci;
  private readonly groups = new Map<string, PciGroup>();

  constructor(
    readonly parts: Parts,
    readonly unit: IommuUnit,
    readonly parameters: Parameters,
    /** Whether the type1 module is loaded. */
    private readonly hasType1: boolean,
    private readonly slots: ReadonlyMap<string, KernelSlot>,
    readonly caching: Caching,
    readonly physical: PhysicalMemory,
  ) {
    this.pinsZeroPage = parameters.untouched_read_map === 'zero_page';
    this.type1 = new ModuleParameters(parameters);
    this.pasids = new parts.PasidService(parts, parameters, unit, this.type1);
    this.container = new ContainerNode(parts, hasType1 ? new Type1Driver(parts, this) : undefined);
    this.vfioPci = new VfioPci(parts, parameters);
  }

  addressSpaceOf(process: MemoryOwner): AddressSpace {
    return new this.parts.AddressSpace(process, this);
  }

  /** The node at a path; undefined when there is none. */
  nodeAt(path: string): Node | undefined {
    return path === '/dev/vfio/vfio' ? this.container : foreignNodes.get(path);
  }

  /** The node of containers. */
  get containerNode(): Node {
    return this.container;
  }

  /** The node of a group; undefined while no device of it is bound to vfio-pci. */
  groupNode(slot: string): Node | undefined {
    return this.vfioPci.groupOf(this.group(slot).iommu);
  }

  /** The name that a device is opened by. */
  deviceName(slot: string, index: number): string {
    return this.device(slot, index).name;
  }

  /** Writes a module's parameter. */
  setParameter(module: string, parameter: string, value: string): Result {
    if (module !== 'vfio_iommu_type1' || !this.hasType1) return 'ENOENT';
    return this.type1.set(parameter, value);
  }

  /** One more device appears in a group, behind the others. */
  plug(slot: string): void {
    const group = this.group(slot);
    this.addDevice(group, this.slots.get(slot)!, true);
  }

  /** Gives a device without driver one. */
  bindDriver(slot: string, which: SlotDevice, driver: Driver): Result {
    const device = this.device(slot, which);
    if (device.edu !== undefined && driver === 'host') return 'ENODEV';
    if (device.driver !== undefined) return 'EBUSY';
    if (driver === 'host') {
      const errno = device.group.useDefaultDomain();
      if (errno !== undefined) return errno;
      device.driver = driver;
    } else this.bindVfio(device);
    return 0;
  }

  /** Takes a device away from its driver. */
  *unbindDriver(slot: string, which: SlotDevice): Steps<Result> {
    const device = this.device(slot, which);
    if (device.driver === undefined) return 'ENODEV';
    if (device.driver === 'vfio-pci') yield* this.vfioPci.unbind(device);
    else device.group.unuseDefaultDomain();
    device.driver = undefined;
    return 0;
  }

  private bindVfio(device: PciDevice): void {
    this.vfioPci.bind(device);
    device.driver = 'vfio-pci';
  }

  private device(slot: string, which: SlotDevice): PciDevice {
    const { devices } = this.group(slot);
    const { devices: first, viable } = this.slots.get(slot)!;
    // The device of the host driver is between those that were there and those that were plugged.
    const ofHostDriver = viable ? devices.length : first;
    const device = devices[which === 'bound_to_host_driver' ? ofHostDriver : which < ofHostDriver ? which : which + 1];
    return device ?? unsupported(`an op on device ${which} of ${slot}, which is not there`);
  }

  private group(name: string): PciGroup {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const slot = this.slots.get(name) ?? unsupported(`an op on slot ${name}, which is not there`);
    const group: PciGroup = { iommu: new IommuGroup(this.groups.size + 1, slot.kind, slot.iommu), devices: [] };
    for (let i = 0; i < slot.devices; i++) this.bindVfio(this.addDevice(group, slot, true));
    if (!slot.viable) {
      this.addDevice(group, slot, false).driver = 'host';
      group.iommu.useDefaultDomain();
    }
    this.groups.set(name, group);
    return group;
  }

  private addDevice({ iommu, devices }: PciGroup, slot: KernelSlot, isTestDevice: boolean): PciDevice {
    const pasids = this.unit.nesting && new PasidFunction(slot.pasidBits, new this.parts.PasidTable());
    const bus = iommu.number.toString(16).padStart(2, '0');
    const place = isTestDevice ? devices.length.toString(16).padStart(2, '0') : 'ff';
    const hardware = isTestDevice ? this : undefined;
    const isExpress = pasids !== undefined || slot.model === 'edu_express';
    const device = new PciDevice(
      `0000:${bus}:${place}.0`,
      iommu,
      isTestDevice && slot.resettable,
      hardware,
      pasids,
      isExpress,
    );
    devices.push(device);
    iommu.devices.push(device);
    return device;
  }
}
