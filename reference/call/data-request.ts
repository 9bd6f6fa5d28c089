import type { ArgumentLayout } from './argument-layout.ts';
import type { IoctlArgument } from './ioctl-argument.ts';

/** A request of the 2020 nesting series whose argument is data behind a header. */
export class DataRequest<Data> {
  private readonly argument: IoctlArgument;
  private readonly layout: ArgumentLayout;
  private readonly decode: (layout: ArgumentLayout, view: DataView) => Data;
  private decoded: Data | undefined;
  private reads = 0;

  constructor(
    argument: IoctlArgument,
    layout: ArgumentLayout,
    decode: (layout: ArgumentLayout, view: DataView) => Data,
  ) {
    this.argument = argument;
    this.layout = layout;
    this.decode = decode;
  }

  /** The data as far as it was read: decoded once, until more of it is read. */
  get data(): Data {
    if (this.decoded === undefined || this.reads !== this.argument.reads) {
      this.decoded = this.decode(this.layout, this.argument.view);
      this.reads = this.argument.reads;
    }
    return this.decoded;
  }
}
