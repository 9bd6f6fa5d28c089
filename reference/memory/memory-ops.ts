import type { RuleOutcome } from '../../spec/contract/types.ts';
import { fromHex, toBigInt, toHex } from '../../spec/uapi/integer.ts';
import type { IoctlOp, Name, Relocation } from '../../spec/uapi/vocabulary.ts';
import { MalformedProgram } from '../interpreter/malformed-program.ts';
import { errno, zero } from '../interpreter/rule-outcome.ts';
import { numberOf } from '../state/descriptors.ts';
import type { Process, World } from '../state/state.ts';
import { PAGE, type Region, type Relocated } from './user-memory.ts';

/** A memory of a process by its name. Throws a MalformedProgram. */
export function region(process: Process, name: Name): Region {
  const found = process.memory.regions.get(name);
  if (!found) throw new MalformedProgram(`there is no memory ${name}`);
  return found;
}

/** Stores bytes as the program itself does; false where it may not. */
export function poke(
  process: Process,
  target: Region,
  at: number,
  hex: string,
  relocations: Relocation[] | undefined,
): boolean {
  const bytes = fromHex(hex);
  if (process.memory.accessible(target.base + BigInt(at), bytes.length, 'write') < bytes.length) return false;
  const relocated = relocations?.map((one) => ({
    at: at + one.at,
    width: one.width,
    value: resolve(process, one),
  }));
  process.memory.poke(target, at, relocated ? relocate(bytes, at, relocated) : bytes);
  target.stores.push({ at, length: bytes.length, relocated: relocated ?? none });
  return true;
}

const none: readonly Relocated[] = [];

/** Puts the fields that are known only now into the bytes that go to a place. */
function relocate(bytes: Uint8Array, place: number, fields: readonly Relocated[]): Uint8Array {
  if (bytes.length > PAGE) throw new MalformedProgram('bytes with relocations are longer than a page');
  for (const { at, width, value } of fields) {
    if (at - place + width > bytes.length) throw new MalformedProgram('a relocation lies outside the bytes');
    putWord(bytes, at - place, Number(BigInt.asUintN(32, value)));
    if (width === 8) putWord(bytes, at - place + 4, Number(BigInt.asUintN(32, value >> 32n)));
  }
  return bytes;
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = word >>> (8 * i);
}

function resolve(process: Process, { ref, add }: Relocation): bigint {
  const start = process.memory.regions.get(ref)?.base ?? process.saved.get(ref) ?? BigInt(numberOf(process, ref));
  return add === undefined ? start : start + toBigInt(add);
}

/** Bytes of a memory, as hexadecimal text; what came from a relocation shows as zeros. */
export function peek(process: Process, memory: Name, at: number, length: number): string {
  const target = region(process, memory);
  const bytes = new Uint8Array(length);
  process.memory.read(target.base + BigInt(at), bytes, 0, length);
  // A byte of a relocation that is unchanged shows as zero: its value is nobody's business.
  const hidden = new Map<number, number>();
  for (const store of target.stores) {
    for (let i = 0; i < store.length; i++) hidden.delete(store.at + i);
    for (const { at, width, value } of store.relocated)
      for (let i = 0; i < width; i++) hidden.set(at + i, Number((value >> BigInt(8 * i)) & 0xffn));
  }
  for (const [offset, byte] of hidden) if (bytes[offset - at] === byte) bytes[offset - at] = 0;
  return toHex(bytes);
}

/** Keeps the outputs that an ioctl saves. */
export function save(process: Process, op: IoctlOp): Record<Name, bigint> {
  const saved: Record<Name, bigint> = {};
  for (const { name, at, width } of op.save!) {
    const argument = op.argument as { memory: Name; at: number };
    const bytes = new Uint8Array(8);
    const address = region(process, argument.memory).base + BigInt(argument.at + at);
    if (process.memory.accessible(address, width, 'read') < width) throw new MalformedProgram(`${name} cannot be read`);
    process.memory.read(address, bytes, 0, width);
    saved[name] = new DataView(bytes.buffer).getBigUint64(0, true);
    process.saved.set(name, saved[name]);
  }
  return saved;
}

/** A memory in which a range is whole pages. Throws a MalformedProgram for any other. */
export function wholePages(target: Region, { at, length }: { at: number; length: number }): Region {
  if (at % PAGE === 0 && length % PAGE === 0 && (at + length) / PAGE <= target.pages.length) return target;
  throw new MalformedProgram(`memory ${target.name} has no whole pages from ${at} to ${at + length}`);
}

/** A range whose pages are all there: what else happens to a range with holes is not specified. */
export function mapped(target: Region, { at, length }: { at: number; length: number }): Region {
  wholePages(target, { at, length });
  if (target.pages.slice(at / PAGE, (at + length) / PAGE).every((page) => page)) return target;
  throw new MalformedProgram(`memory ${target.name} is not mapped from ${at} to ${at + length}`);
}

/** Discarded private pages are new ones, of zeros, that nobody has touched. */
export function discard(target: Region, from: number, to: number): boolean {
  if (target.locked.slice(from, to).includes(true)) return false;
  if (!target.private) throw new MalformedProgram(`memory ${target.name} is shared and cannot be discarded`);
  for (let i = from; i < to; i++) {
    if (target.pages[i])
      target.pages[i] = {
        bytes: undefined,
        fill: 0,
        untouched: true,
        watched: true,
        device: false,
        changes: undefined,
      };
  }
  return true;
}

/** The pages from a length on are not in the file any more; devices keep what they have pinned. */
export function truncate(world: World, target: Region, length: number): void {
  if (!target.file) throw new MalformedProgram(`memory ${target.name} has no file of its own`);
  if (world.processes.size > 1) throw new MalformedProgram('files are cut only while there is one process');
  if (length % PAGE !== 0) throw new MalformedProgram(`memory ${target.name} is cut inside a page`);
  target.pages.fill(undefined, length / PAGE);
}

/** Locks pages that are not locked yet; what the process may write is given pages of its own. */
export function lock(process: Process, target: Region, from: number, to: number): RuleOutcome {
  if (target.protection.slice(from, to).includes('none'))
    throw new MalformedProgram(`memory ${target.name} is not accessible everywhere`);
  if (process.memlockBytes === 0n && !process.ipcLock) return errno('EPERM');
  const count = target.locked.slice(from, to).filter((locked) => !locked).length;
  if (!process.ipcLock && BigInt(process.lockedPages + count) > process.memlockBytes / BigInt(PAGE))
    return errno('ENOMEM');
  process.lockedPages += count;
  target.locked.fill(true, from, to);
  if (target.private)
    for (let i = from; i < to; i++) if (target.protection[i] !== 'read') target.pages[i]!.untouched = false;
  return zero;
}

/** Pages that go are locked no longer. */
export function unlock(process: Process, target: Region, from: number, to: number): Region {
  process.lockedPages -= target.locked.slice(from, to).filter((locked) => locked).length;
  target.locked.fill(false, from, to);
  return target;
}
