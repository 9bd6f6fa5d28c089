import { uapi } from '../../../spec/uapi/uapi.ts';
import type { EduDevice } from '../devices/edu-device.ts';
import { EventCounter } from '../files/event-counter.ts';
import type { Process } from '../files/file-table.ts';
import type { Parameters } from '../parameters.ts';
import type { Errno, Result } from '../result.ts';
import { unsupported } from '../result.ts';
import { ALLOCATION, COPY_FROM_USER, type Steps } from '../steps.ts';

/** Kinds of interrupts, by index. */
export const Interrupt = { LINE: 0, MESSAGE: 1, EXTENDED_MESSAGE: 2, ERROR: 3, REQUEST: 4 } as const;

/** Words of the argument: its size, flags, index, first interrupt and count. */
const HEADER_BYTES = 20;
const Data = { NONE: 1, BOOL: 2, EVENT: 4 } as const;
const DATA_MASK = 7;
const Action = { MASK: 8, UNMASK: 16, TRIGGER: 32 } as const;
const ACTION_MASK = 56;
const COUNT_LIMIT = 0xffff_ffff;

/** What SET_IRQS asks for, once it is sane. */
interface Request {
  flags: number;
  count: number;
  /** The data: a descriptor, or whether; undefined without data. */
  data: number | undefined;
}

/** Interrupts of a device, from its first open to its last close: how they reach user space. */
export class DeviceInterrupts {
  /** Which kind user space has been given; a device has one at a time. */
  private active: 'none' | 'line' | 'message' = 'none';
  private trigger: EventCounter | undefined;
  private requestTrigger: EventCounter | undefined;
  private lineMasked = false;
  private lineDisabled = false;

  constructor(
    private readonly edu: EduDevice,
    private readonly hasLine: () => boolean,
    private readonly parameters: Parameters,
  ) {}

  /** Whether messages go to user space. */
  get usesMessages(): boolean {
    return this.active === 'message';
  }

  /** How many interrupts of a kind there are. */
  countOf(index: number): number {
    switch (index) {
      case Interrupt.LINE:
        return this.hasLine() ? 1 : 0;
      case Interrupt.MESSAGE:
      case Interrupt.REQUEST:
        return 1;
      default:
        return 0;
    }
  }

  /** User space has set or cleared the bit of the command register that disables the line. */
  setLineDisabled(disabled: boolean): void {
    if (disabled === this.lineDisabled) return;
    this.lineDisabled = disabled;
    if (disabled) this.maskLine();
    else this.unmaskLine();
  }

  /** Interrupts are signalled to nobody any more. */
  disable(): void {
    if (this.active === 'line') this.disableLine();
    else if (this.active === 'message') this.disableMessages();
  }

  /** VFIO_DEVICE_SET_IRQS: says what is to happen at an interrupt, or makes one happen. */
  *set(process: Process, argument: number): Steps<Result> {
    // copies
    if (yield COPY_FROM_USER) return 'EFAULT';
    const words = process.mm.copyFromUser(argument, HEADER_BYTES);
    if (words === undefined) return 'EFAULT';

    // argument
    const [argsz, flags, index, start, count] = words as [number, number, number, number, number];
    if (argsz < HEADER_BYTES || index >= uapi.device.interruptCount) return 'EINVAL';
    if (count >= COUNT_LIMIT - start || (flags & ~(DATA_MASK | ACTION_MASK)) !== 0) return 'EINVAL';
    const available = this.countOf(index);
    if (start >= available || start + count > available) return 'EINVAL';
    const width = widthOf(flags & DATA_MASK);
    if (width === undefined || argsz - HEADER_BYTES < count * width) return 'EINVAL';

    // copies
    let data: number | undefined;
    if (count * width > 0) {
      if (yield ALLOCATION) return 'ENOMEM';
      if (yield COPY_FROM_USER) return 'EFAULT';
      const bytes = process.mm.copyBytesFromUser(argument + HEADER_BYTES, count * width);
      if (bytes === undefined) return 'EFAULT';
      data = width === 1 ? bytes[0]! : new DataView(bytes.buffer).getInt32(0, true);
    }

    // effect
    return yield* this.perform(process, index, { flags, count, data });
  }

  private *perform(process: Process, index: number, request: Request): Steps<Result> {
    const action = request.flags & ACTION_MASK;
    if (index === Interrupt.LINE && action === Action.MASK) return this.mask(request);
    if (index === Interrupt.LINE && action === Action.UNMASK) return this.unmask(request);
    if (action !== Action.TRIGGER) return 'ENOTTY';
    if (index === Interrupt.LINE) return yield* this.triggerLine(process, request);
    if (index === Interrupt.MESSAGE) return yield* this.triggerMessage(process, request);
    return this.triggerRequest(process, request);
  }

  private mask({ flags, count, data }: Request): Result {
    if (this.active !== 'line' || count !== 1) return 'EINVAL';
    if (flags & Data.EVENT) return 'ENOTTY';
    if (data !== 0) this.maskLine();
    return 0;
  }

  private unmask({ flags, count, data }: Request): Result {
    if (this.active !== 'line' || count !== 1) return 'EINVAL';
    if (flags & Data.EVENT) {
      if (data! >= 0) unsupported('unmasking an interrupt by an event');
      return 0;
    }
    if (data !== 0) this.unmaskLine();
    return 0;
  }

  private *triggerLine(process: Process, { flags, count, data }: Request): Steps<Result> {
    if (this.active === 'line' && count === 0 && flags & Data.NONE) {
      this.disableLine();
      return 0;
    }
    if (this.active === 'message' || count !== 1) return 'EINVAL';
    if (flags & Data.EVENT) {
      const trigger = eventOf(process, data!);
      if (typeof trigger === 'string') return trigger;
      if (this.active === 'none') {
        // The name of the handler, and what belongs to it.
        if (yield ALLOCATION) return 'ENOMEM';
        if (yield ALLOCATION) return 'ENOMEM';
        this.trigger = trigger;
        this.enableLine();
      } else this.trigger = trigger;
      return 0;
    }
    if (this.active !== 'line') return 'EINVAL';
    if (data !== 0) this.signalLine();
    return 0;
  }

  private *triggerMessage(process: Process, { flags, count, data }: Request): Steps<Result> {
    if (this.active === 'message' && count === 0 && flags & Data.NONE) {
      this.disableMessages();
      return 0;
    }
    if (this.active === 'line') return 'EINVAL';
    if (flags & Data.EVENT) {
      // Asked for none, the bus finds that less than the one it has to give.
      if (this.active === 'none' && count === 0) return 'ERANGE';
      if (count === 0) return 0;
      const enabling = this.active === 'none';
      if (enabling) this.enableMessages();
      const errno = yield* this.setMessageTrigger(process, data!);
      if (errno === undefined) return 0;
      if (enabling) this.disableMessages();
      return errno;
    }
    if (this.active !== 'message') return 'EINVAL';
    if (count === 1 && data !== 0) this.trigger?.signal();
    return 0;
  }

  protected *setMessageTrigger(process: Process, fd: number): Steps<Errno | undefined> {
    this.trigger = undefined;
    if (fd < 0) return undefined;
    // What belongs to the handler, and its name.
    if (yield ALLOCATION) return 'ENOMEM';
    if (yield ALLOCATION) return 'ENOMEM';
    const trigger = eventOf(process, fd);
    if (typeof trigger === 'string') return trigger;
    this.trigger = trigger;
    return undefined;
  }

  private triggerRequest(process: Process, { flags, count, data }: Request): Result {
    if (flags & Data.NONE) {
      if (this.requestTrigger === undefined) return 'EINVAL';
      if (count > 0) this.requestTrigger.signal();
      else this.requestTrigger = undefined;
      return 0;
    }
    if (count === 0) return 'EINVAL';
    if (flags & Data.BOOL) {
      if (data !== 0) this.requestTrigger?.signal();
      return 0;
    }
    if (data! < -1) return this.parameters.req_irq_negative_eventfd === 'einval' ? 'EINVAL' : 0;
    const trigger = eventOf(process, data!);
    if (typeof trigger === 'string') return trigger;
    this.requestTrigger = trigger;
    return 0;
  }

  private enableLine(): void {
    const { config } = this.edu;
    this.active = 'line';
    this.lineMasked = this.lineDisabled;
    config.lineDisabled = this.lineMasked;
    // A line that is up already is no interrupt: the machine sees it go up.
    config.onInterrupt = () => this.takeLine();
  }

  private disableLine(): void {
    this.edu.config.onInterrupt = undefined;
    this.trigger = undefined;
    this.active = 'none';
  }

  private enableMessages(): void {
    const { config } = this.edu;
    this.active = 'message';
    config.lineDisabled = true;
    config.hasMessages = true;
    this.edu.onMessage = () => this.trigger?.signal();
  }

  private disableMessages(): void {
    const { config } = this.edu;
    this.edu.onMessage = undefined;
    this.trigger = undefined;
    config.hasMessages = false;
    config.lineDisabled = false;
    this.active = 'none';
  }

  /** The device pulls its line: it is masked until user space unmasks it. */
  private takeLine(): void {
    if (this.lineMasked) return;
    this.lineMasked = true;
    this.edu.config.lineDisabled = true;
    this.signalLine();
  }

  private maskLine(): void {
    if (this.active === 'line') {
      if (this.lineMasked) return;
      this.lineMasked = true;
    }
    this.edu.config.lineDisabled = true;
  }

  private unmaskLine(): void {
    const { config } = this.edu;
    if (this.active !== 'line') {
      config.lineDisabled = false;
      return;
    }
    if (!this.lineMasked || this.lineDisabled) return;
    // One that waits is passed on, and the line stays masked.
    if (config.linePulled) this.signalLine();
    else {
      this.lineMasked = false;
      config.lineDisabled = false;
    }
  }

  private signalLine(): void {
    if (this.active === 'line' && !this.lineDisabled) this.trigger?.signal();
  }
}

/** Bytes of the data of one interrupt. */
function widthOf(data: number): number | undefined {
  switch (data) {
    case Data.NONE:
      return 0;
    case Data.BOOL:
      return 1;
    case Data.EVENT:
      return 4;
    default:
      return undefined;
  }
}

/** The counter behind a descriptor; none for a negative one. */
function eventOf(process: Process, fd: number): EventCounter | undefined | Errno {
  if (fd < 0) return undefined;
  const file = process.files.get(fd);
  if (file === undefined) return 'EBADF';
  return file.operations instanceof EventCounter ? file.operations : 'EINVAL';
}
