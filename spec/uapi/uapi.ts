import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { packageRoot } from './package-root.ts';

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

/** Numbers, structs, flags and errnos of the uapi. */
export const uapi: Uapi = parse(readFileSync(`${packageRoot}/spec/uapi/uapi.yaml`, 'utf8'));
