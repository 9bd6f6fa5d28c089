import { fromHex } from '../../spec/uapi/integer.ts';
import type { DeviceModel } from '../../spec/uapi/vocabulary.ts';
import { extendedCapabilities, lengthOf } from './extended-capabilities.ts';

/** What a byte of config space is for, as far as that decides what becomes of a write. */
export type ConfigField =
  | 'identity'
  | 'command'
  | 'status'
  | 'timing'
  | 'base_address'
  | 'capability_list'
  | 'interrupt_line'
  | 'interrupt_pin'
  | 'msi_control'
  | 'msi_message'
  | 'read_only_capability'
  | 'other_capability'
  | 'unassigned';

/** The config space of a kind of device; all arrays are by offset. */
export interface ConfigSpace {
  /** Bytes after the first open. */
  initial: Uint8Array;
  /** Bits that the device itself lets be written. */
  writable: Uint8Array;
  /** Bits that differ from machine to machine. */
  unknown: Uint8Array;
  fields: ConfigField[];
  /** The header is 0, each capability has a number of its own: no access goes over from one to the next. */
  blocks: number[];
}

/** The header of every function that is no bridge: field, offset, bytes. */
const header: [ConfigField, number, number][] = [
  ['identity', 0, 4],
  ['command', 4, 2],
  ['status', 6, 2],
  // Revision and class.
  ['identity', 8, 4],
  // Cache line and latency.
  ['timing', 12, 2],
  // Header type.
  ['identity', 14, 1],
  // Self test.
  ['timing', 15, 1],
  ['base_address', 16, 24],
  // Subsystem and what is before it.
  ['identity', 40, 8],
  // The ROM's.
  ['base_address', 48, 4],
  ['capability_list', 52, 8],
  ['interrupt_line', 60, 1],
  ['interrupt_pin', 61, 1],
  // How often and how long it needs the bus.
  ['identity', 62, 2],
];
const STATUS = 6;
const STATUS_CAPABILITIES = 0x10;
const FIRST_CAPABILITY = 52;
const MSI = 5;
/** Bits of the control register of MSI. */
const MSI_64_BIT = 0x80;
const MSI_MASKABLE = 0x100;
/** Where the space that every function has ends. */
const CONVENTIONAL_END = 256;

const spaces = new WeakMap<DeviceModel, ConfigSpace>();

/** The config space of a kind of device, laid out once. */
export function configSpace(model: DeviceModel): ConfigSpace {
  let space = spaces.get(model);
  if (!space) {
    space = layOut(model);
    spaces.set(model, space);
  }
  return space;
}

function layOut(model: DeviceModel): ConfigSpace {
  const initial = fromHex(model.config);
  const fields = new Array<ConfigField>(initial.length).fill('unassigned');
  const blocks = new Array<number>(initial.length).fill(-1);
  const put = (field: ConfigField, at: number, bytes: number, block: number) => {
    fields.fill(field, at, at + bytes);
    blocks.fill(block, at, at + bytes);
  };
  for (const [field, at, bytes] of header) put(field, at, bytes, 0);
  let block = 1;
  for (const at of capabilities(initial)) {
    if (initial[at] === MSI) putMsi(initial, at, (field, offset, bytes) => put(field, at + offset, bytes, block));
    else put('other_capability', at, Math.min(initial.length, CONVENTIONAL_END) - at, block);
    block++;
  }
  for (const { id, at } of extendedCapabilities(initial).sort((a, b) => a.at - b.at)) {
    const length = lengthOf(id);
    if (length === undefined) put('other_capability', at, initial.length - at, block);
    else put('read_only_capability', at, length, block);
    block++;
  }
  return { initial, writable: fromHex(model.configWritable), unknown: fromHex(model.configUnknown), fields, blocks };
}

/** Offsets of the capabilities before byte 256, ascending: of one that is not known, all is taken up to the next. */
function capabilities(config: Uint8Array): number[] {
  const found: number[] = [];
  if ((config[STATUS]! & STATUS_CAPABILITIES) === 0) return found;
  for (let at = config[FIRST_CAPABILITY]!; at !== 0 && !found.includes(at); at = config[at + 1]!) found.push(at);
  return found.sort((a, b) => a - b);
}

function putMsi(
  config: Uint8Array,
  at: number,
  put: (field: ConfigField, offset: number, bytes: number) => void,
): void {
  const control = config[at + 2]! | (config[at + 3]! << 8);
  const message = (control & MSI_64_BIT) !== 0 ? 10 : 6;
  put('capability_list', 0, 2);
  put('msi_control', 2, 1);
  // The upper byte of the control register is reserved.
  put('capability_list', 3, 1);
  put('msi_message', 4, message);
  if ((control & MSI_MASKABLE) !== 0) put('other_capability', 4 + message, 10);
}
