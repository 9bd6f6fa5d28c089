import { type FileOperations, type Node, OpenFile, type Process } from '../files/file-table.ts';
import type { IommuGroup } from '../iommu/iommu-group.ts';
import type { Parameters } from '../parameters.ts';
import type { Result } from '../result.ts';
import { ALLOCATION, COPY_FROM_USER, COPY_TO_USER, done, LOCK, Lock, type Steps } from '../steps.ts';
import { Container } from './container.ts';
import { Request } from './requests.ts';

const STATUS_SIZE = 8;
const VIABLE = 1;
const CONTAINER_SET = 2;
/** A device's name is at most this long, with the zero at its end. */
const NAME_LIMIT = 4096;

/** A device of a group, as its driver hands it in (struct vfio_device). */
export interface GroupDevice {
  readonly name: string;
  /** Makes a file of the device. The group's lock is held by the caller. */
  open(file: OpenFile): Result;
}

/** The object behind a group's node, and behind the node's one open file. */
export class VfioGroup implements FileOperations, Node {
  /** Devices bound to vfio-pci. */
  readonly devices: GroupDevice[] = [];
  container: Container | undefined;
  private containerUsers = 0;
  private openedFile: OpenFile | undefined;
  private readonly lock = new Lock();

  constructor(
    private readonly parameters: Parameters,
    /** Gone once the last device is unbound: the group is an orphan then. */
    public iommuGroup: IommuGroup | undefined,
  ) {}

  *open(file: OpenFile): Steps<Result> {
    do yield LOCK;
    while (!this.lock.take());
    const busy = this.openedFile !== undefined;
    if (!busy) {
      this.openedFile = file;
      file.operations = this;
    }
    this.lock.release();
    return busy ? 'EBUSY' : 0;
  }

  *release(): Steps<void> {
    do yield LOCK;
    while (!this.lock.take());
    if (this.container !== undefined) yield* this.detach(this.container);
    this.openedFile = undefined;
    this.lock.release();
  }

  ioctl(process: Process, request: number, argument: number): Steps<Result> {
    switch (request) {
      case Request.GROUP_GET_DEVICE_FD:
        return this.getDeviceFd(process, argument);
      case Request.GROUP_GET_STATUS:
        return this.getStatus(process, argument);
      case Request.GROUP_SET_CONTAINER:
        return this.setContainer(process, argument);
      case Request.GROUP_UNSET_CONTAINER:
        return this.unsetContainer();
      default:
        return done('ENOTTY');
    }
  }

  /** The last device leaves: whoever has the group open keeps a file of no use. */
  *orphan(): Steps<void> {
    do yield LOCK;
    while (!this.lock.take());
    if (this.container !== undefined) yield* this.detach(this.container);
    this.iommuGroup = undefined;
    this.lock.release();
  }

  /** A device of the group is opened for the first time: it needs the backend, and keeps the group's file open. */
  useContainer(): Result {
    if (this.container === undefined || !this.container.hasBackend) return 'EINVAL';
    this.openedFile!.references++;
    this.containerUsers++;
    return 0;
  }

  /** The last file of a device is closed; the caller has to put the file that is given back. */
  unuseContainer(): OpenFile {
    this.containerUsers--;
    return this.openedFile!;
  }

  /** VFIO_GROUP_SET_CONTAINER: joins a container. */
  private *setContainer(process: Process, argument: number): Steps<Result> {
    // copies
    if (yield COPY_FROM_USER) return 'EFAULT';
    const words = process.mm.copyFromUser(argument, 4);
    if (words === undefined) return 'EFAULT';

    // argument
    const file = process.files.get(words[0]! | 0);
    if (file === undefined) return 'EBADF';

    // state
    do yield LOCK;
    while (!this.lock.take());
    const result = yield* this.setContainerLocked(process, file.operations);
    this.lock.release();

    // result
    return result;
  }

  private *setContainerLocked(process: Process, container: FileOperations | undefined): Steps<Result> {
    // state
    if (this.container !== undefined) return 'EINVAL';
    if (this.iommuGroup === undefined) return 'ENODEV';
    if (!(container instanceof Container)) {
      return this.parameters.foreign_container_fd === 'einval' ? 'EINVAL' : 'EBADFD';
    }

    // effect
    const errno = yield* container.attachGroup(this.iommuGroup, process);
    if (errno !== undefined) return errno;
    this.container = container;
    this.containerUsers = 1;

    // result
    return 0;
  }

  /** VFIO_GROUP_UNSET_CONTAINER: leaves the container. */
  protected *unsetContainer(): Steps<Result> {
    // state
    do yield LOCK;
    while (!this.lock.take());
    let result: Result = 0;
    if (this.container === undefined) result = 'EINVAL';
    else if (this.containerUsers !== 1) result = 'EBUSY';
    // effect
    else yield* this.detach(this.container);
    this.lock.release();

    // result
    return result;
  }

  /** VFIO_GROUP_GET_STATUS: reports whether the group can join a container, or has. */
  private *getStatus(process: Process, argument: number): Steps<Result> {
    // copies
    if (yield COPY_FROM_USER) return 'EFAULT';
    const words = process.mm.copyFromUser(argument, STATUS_SIZE);
    if (words === undefined) return 'EFAULT';

    // argument
    if (words[0]! < STATUS_SIZE) return 'EINVAL';

    // state
    do yield LOCK;
    while (!this.lock.take());
    const { iommuGroup, container } = this;
    this.lock.release();
    if (iommuGroup === undefined) return 'ENODEV';
    words[1] = 0;
    if (container !== undefined) words[1] = CONTAINER_SET | VIABLE;
    else if (!iommuGroup.dmaOwnerClaimed) words[1] = VIABLE;

    // result
    if (yield COPY_TO_USER) return 'EFAULT';
    return process.mm.copyToUser(argument, words) ? 0 : 'EFAULT';
  }

  /** VFIO_GROUP_GET_DEVICE_FD: opens a device of the group by its name. */
  private *getDeviceFd(process: Process, argument: number): Steps<Result> {
    // copies
    const name = process.mm.copyStringFromUser(argument, NAME_LIMIT);
    if (name === undefined) return 'EFAULT';
    if (name === null) return 'EINVAL';
    if (yield ALLOCATION) return 'ENOMEM';
    if (yield COPY_FROM_USER) return 'EFAULT';

    // argument
    const device = this.find(name);
    if (typeof device === 'string') return device;
    const fd = process.files.lowestFree(process.limits.nofile);
    if (fd === undefined) return 'EMFILE';

    // state
    if (yield ALLOCATION) return 'ENOMEM';
    const file = new OpenFile('read-write');
    do yield LOCK;
    while (!this.lock.take());
    const result = device.open(file);
    this.lock.release();
    if (result !== 0) return result;

    // effect
    process.files.install(fd, file);
    process.files.setClosedByExec(fd, true);

    // result
    return fd;
  }

  /** A device by name; only spaces may follow the name, no option fits a device that is no virtual function. */
  private find(name: string): GroupDevice | 'ENODEV' | 'EINVAL' {
    for (const device of this.devices) {
      if (!name.startsWith(device.name)) continue;
      const rest = name.slice(device.name.length);
      if (rest !== '' && !rest.startsWith(' ')) continue;
      return /^ *$/.test(rest) ? device : 'EINVAL';
    }
    return 'ENODEV';
  }

  private *detach(container: Container): Steps<void> {
    yield* container.detachGroup(this.iommuGroup!);
    this.container = undefined;
    this.containerUsers = 0;
  }
}
