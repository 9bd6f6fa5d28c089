/** A field of a struct; offset and width in bytes. */
export interface Field {
  name: string;
  at: number;
  width: 1 | 2 | 4 | 8;
  /** What the field means, which decides the values at its edges. */
  holds:
    | 'argsz'
    | 'flags'
    | 'fd'
    | 'address'
    | 'iova'
    | 'size'
    | 'page_size'
    | 'bitmap_size'
    | 'bitmap'
    | 'region'
    | 'interrupt'
    | 'feature'
    | 'vector'
    | 'version'
    | 'format'
    | 'bits'
    | 'guest_address'
    | 'pasid'
    | 'address_width'
    | 'zero'
    | 'granularity'
    | 'page_count'
    | 'data_argsz'
    | 'ignored';
  /** The field lies in the part that a flag adds. */
  extended?: boolean;
  /** holds flags, bits: which set of flags. */
  flags?: string;
  /** A value of an ordinary request, where what the field holds does not tell. */
  example?: number;
  /**
   * Where a C program finds it, if not under its name: a path of members. `data[]` follows the struct, `padding[4]` starts at
   * byte 4 of an array. null: a hole without a name.
   */
  member?: string | null;
}

/** A struct of the uapi; size in bytes. */
export interface Struct {
  size: number;
  /** Size with the part that a flag adds. */
  extended?: number;
  /** Further values of argsz at which something changes. */
  argszEdges?: number[];
  /** The flag that adds it. */
  extendedBy?: string;
  /** Not every <linux/vfio.h> since Linux 5.8 has it. */
  optional?: boolean;
  /** Members that Linux has appended since, so that its struct may be larger. */
  appended?: Field[];
  /** The C type, where it is no struct. */
  plain?: 'int';
  /** The value that says, in a chain of capabilities, that this is one. */
  capability?: string;
  /** Members that are structs of their own: path of the member -> name of the struct in Linux, with `_argsz_first` for the layout of 5.10. */
  types?: Record<string, string>;
  /** Further members of unions: path of the member -> the field in whose place it is, or the fields that it consists of as well. */
  alternatives?: Record<string, string | string[]>;
  fields: Field[];
}

/** An ioctl of the uapi. */
export interface Ioctl {
  number: number;
  /** Kind of file descriptor that knows it. */
  fd: 'container' | 'group' | 'device' | 'any';
  /** elsewhere: the number is taken, but the contract does not yet say what it does. */
  argument: 'none' | 'value' | 'struct' | 'string' | 'elsewhere';
  struct?: string;
  /** The struct where the data starts with a size of its own, as in Linux 5.10. */
  argszFirst?: string;
  /** argument value: the set of named values. */
  values?: string;
  /** The parameter of the contract that says whether it exists. */
  feature?: string;
}

/** Everything in uapi.yaml. */
export interface Uapi {
  requests: { type: number; base: number };
  ioctls: Record<string, Ioctl>;
  structs: Record<string, Struct>;
  flags: Record<string, Record<string, number>>;
  values: Record<string, Record<string, number>>;
  /** Sets of values that <linux/vfio.h> defines as enumerators. */
  enumerators: string[];
  device: {
    regionStride: number;
    regionCount: number;
    interruptCount: number;
    romRegion: number;
    configRegion: number;
    commandRegister: number;
    statusRegister: number;
    commandMemory: number;
    commandBusMaster: number;
    commandDisableInterrupt: number;
  };
  errnos: Record<string, number>;
}
