import type { RuleOutcome } from '../../spec/contract/types.ts';
import { fromHex, toBigInt, toHex } from '../../spec/uapi/integer.ts';
import type { DiscardOp, IoctlOp, LockOp, Name, ProtectOp, Relocation, UnmapOp } from '../../spec/uapi/vocabulary.ts';
import { MalformedProgram } from '../interpreter/malformed-program.ts';
import { errno, zero } from '../interpreter/rule-outcome.ts';
import { nameSaved, numberOf } from '../state/names.ts';
import type { Process, World } from '../state/state.ts';
import { PAGE, type Page, permits, type Region } from './user-memory.ts';

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
  relocations: readonly Relocation[] = none,
): boolean {
  const bytes = fromHex(hex);
  for (const { at, width } of relocations)
    if (at + width > bytes.length) throw new MalformedProgram('a relocation lies outside the bytes');
  if (!reaches(process, target, at, bytes.length, 'write')) return false;
  for (const one of relocations) putField(bytes, one, resolve(process, one));
  process.memory.poke(target, at, bytes);
  for (const one of relocations) process.memory.relocate(target, at + one.at, one.width);
  return true;
}

const none: readonly Relocation[] = [];

/** Whether the process itself may read, or write, all of a range of a memory. It does not get at registers of devices. */
export function reaches(
  process: Process,
  target: Region,
  at: number,
  length: number,
  access: 'read' | 'write',
): boolean {
  if (target.device || at + length > target.pages.length * PAGE) return false;
  return process.memory.accessible(target.base + BigInt(at), length, access) === length;
}

/** An address in a memory, its end included. Throws a MalformedProgram for one beyond. */
export function addressIn(target: Region, at: number): bigint {
  if (at <= target.pages.length * PAGE) return target.base + BigInt(at);
  throw new MalformedProgram(`byte ${at} lies outside of memory ${target.name}`);
}

function putField(bytes: Uint8Array, { at, width }: Relocation, value: bigint): void {
  putWord(bytes, at, Number(BigInt.asUintN(32, value)));
  if (width === 8) putWord(bytes, at + 4, Number(BigInt.asUintN(32, value >> 32n)));
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = word >>> (8 * i);
}

function resolve(process: Process, { ref, add }: Relocation): bigint {
  const start = process.memory.regions.get(ref)?.base ?? process.saved.get(ref) ?? BigInt(numberOf(process, ref));
  return add === undefined ? start : start + toBigInt(add);
}

/** Bytes of a memory that the process can read, as hexadecimal text; what came from a relocation shows as zeros. */
export function peek(process: Process, memory: Name, at: number, length: number): string {
  return toHex(process.memory.peek(region(process, memory), at, length));
}

/**
 * Keeps the outputs that an ioctl saves, and gives them as they are shown: without what came from a relocation. `target` is the
 * memory of its argument, undefined if that is a value.
 */
export function save(process: Process, op: IoctlOp, target: Region | undefined): Record<Name, bigint> {
  const saved: [Name, bigint][] = [];
  for (const { name, at, width } of op.save!) {
    const from = 'memory' in op.argument ? op.argument.at + at : 0;
    if (!target || !reaches(process, target, from, width, 'read'))
      throw new MalformedProgram(`${name} cannot be read, to be saved`);
    const bytes = new Uint8Array(width);
    process.memory.read(target.base + BigInt(from), bytes, 0, width);
    nameSaved(process, name, littleEndian(bytes));
    saved.push([name, littleEndian(process.memory.peek(target, from, width))]);
  }
  return Object.fromEntries(saved);
}

/** 4 or 8 bytes as a number, little endian. */
function littleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer);
  return bytes.length === 4 ? BigInt(view.getUint32(0, true)) : view.getBigUint64(0, true);
}

/** Pages of a memory: from `first` to before `end`. */
interface Span {
  first: number;
  end: number;
  /** The range goes on behind the memory. */
  past: boolean;
}

/** The whole pages of a range, as far as the memory goes; undefined for one that does not begin with a page. */
function pagesOf({ pages }: Region, { at, length }: { at: number; length: number }): Span | undefined {
  if (at % PAGE !== 0) return undefined;
  const first = Math.min(at / PAGE, pages.length);
  const end = length === 0 ? first : Math.ceil((at + length) / PAGE);
  return { first, end: Math.min(end, pages.length), past: end > pages.length };
}

/** The first page of a span that is not mapped any more, or its end. */
function firstHole({ protection }: Region, first: number, end: number): number {
  let page = first;
  while (page < end && protection[page] !== 'unmapped') page++;
  return page;
}

/** Changes what the process may do with pages, up to the first that is not mapped any more. */
export function protect(world: World, target: Region, op: ProtectOp): RuleOutcome {
  const span = pagesOf(target, op);
  if (!span) return errno('EINVAL');
  const stop = firstHole(target, span.first, span.end);
  target.protection.fill(op.protection, span.first, stop);
  followsAll(world, target);
  return stop < span.end || span.past ? errno('ENOMEM') : zero;
}

/** What is reported of shared memory to a process that cannot read it for a while, the model does not follow. */
export function followsAll({ processes }: World, { name, private: own, device, protection }: Region): void {
  if (!own && !device && processes.size > 1 && protection.includes('none'))
    throw new MalformedProgram(`memory ${name} is shared, and not accessible everywhere`);
}

/** Takes pages out of the process; they are locked no longer. */
export function removePages(process: Process, target: Region, op: UnmapOp): RuleOutcome {
  const span = pagesOf(target, op);
  if (!span || op.length === 0) return errno('EINVAL');
  for (let page = span.first; page < span.end; page++) {
    if (target.locked[page]) process.lockedPages--;
    target.locked[page] = false;
    target.pages[page] = undefined;
    target.protection[page] = 'unmapped';
  }
  return zero;
}

/** Discarded private pages are new ones, of zeros, that nobody has touched. Shared ones keep what they hold. */
export function discard(target: Region, op: DiscardOp): RuleOutcome {
  const span = pagesOf(target, op);
  if (!span) return errno('EINVAL');
  let holes = span.past;
  for (let i = span.first; i < span.end; i++) {
    if (target.protection[i] === 'unmapped') holes = true;
    else if (target.device || target.locked[i]) return errno('EINVAL');
    else if (target.private) target.pages[i] = discarded(target.pages[i]!);
  }
  return holes ? errno('ENOMEM') : zero;
}

const discarded = ({ watched }: Page): Page => ({
  bytes: undefined,
  fill: 0,
  untouched: true,
  watched,
  device: false,
  changes: undefined,
  relocated: undefined,
});

/** The pages from a length on are not in the file any more, for any process; devices keep what they have pinned. */
export function truncate({ processes }: World, { name, file, present }: Region, length: number): void {
  if (!file) throw new MalformedProgram(`memory ${name} has no file of its own`);
  if (length % PAGE !== 0) throw new MalformedProgram(`memory ${name} is cut inside a page`);
  if (length / PAGE > present) throw new MalformedProgram(`memory ${name} is cut to more than it has`);
  for (const { memory } of processes.values()) {
    for (const region of memory.ofFile(file)) {
      region.present = length / PAGE;
      region.pages.fill(undefined, region.present);
    }
  }
}

/** Locks the pages that a range touches, up to the first that is not mapped any more, and gives the process those that it may write. */
export function lock(process: Process, target: Region, { at, length }: LockOp): RuleOutcome {
  const first = Math.floor(at / PAGE);
  const end = Math.ceil((at + length) / PAGE);
  const stop = firstHole(target, first, Math.max(first, Math.min(end, target.pages.length)));
  if (process.memlockBytes === 0n && !process.ipcLock) return errno('EPERM');
  if (!target.device) {
    const count = target.locked.slice(first, stop).filter((locked) => !locked).length;
    if (!process.ipcLock && BigInt(process.lockedPages + count) > process.memlockBytes / BigInt(PAGE))
      return errno('ENOMEM');
    process.lockedPages += count;
    target.locked.fill(true, first, stop);
    for (let i = first; i < stop; i++) {
      // It is locked all the same.
      if (!permits(target, i, 'read')) return errno('ENOMEM');
      if (target.private && permits(target, i, 'write')) target.pages[i]!.untouched = false;
    }
  }
  return stop < end ? errno('ENOMEM') : zero;
}
