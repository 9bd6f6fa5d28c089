import type { MmapOp, Op, Outcome, PokeOp } from '../../spec/uapi/vocabulary.ts';

// Ops and outcomes of the smoke programs, in short.

export const pipe = (as: string): Op => ({ op: 'open', what: 'pipe', as });
/** Reads of it store zeros: a call that changes memory, without VFIO. */
export const zeros = (as: string): Op => ({ op: 'open', what: 'path', path: '/dev/zero', as });
export const close = (name: string): Op => ({ op: 'close', fd: name });
export const dup = (name: string, as: string): Op => ({ op: 'dup', fd: name, as });
export const closeOnExec = (name: string): Op => ({ op: 'close_on_exec', fd: name });
export const mmap = (as: string, length: number, more: Partial<MmapOp> = {}): Op => ({
  op: 'mmap',
  as,
  length,
  ...more,
});
export const poke = (memory: string, at: number, bytes: string, relocations?: PokeOp['relocations']): Op => ({
  op: 'poke',
  memory,
  at,
  bytes,
  ...(relocations && { relocations }),
});
export const peek = (memory: string, at: number, length: number): Op => ({ op: 'peek', memory, at, length });
export const read = (name: string, memory: string, at: number, length: number): Op => ({
  op: 'pread',
  fd: name,
  offset: 0,
  memory,
  at,
  length,
});
/** An ioctl of no VFIO file, on a name that stands for no descriptor. */
export const ioctlOnNothing = (memory: string, at: number, bytes?: string): Op => ({
  op: 'ioctl',
  fd: 'none',
  number: 0x3b64,
  argument: { memory, at, ...(bytes !== undefined && { bytes }) },
});
export const fork = (as: string): Op => ({ op: 'fork', as });
export const by = (actor: string, op: Op): Op => ({ ...op, actor });

export const done: Outcome = { value: 0 };
export const value = (count: number): Outcome => ({ value: count });
export const fd = (name: string): Outcome => ({ fd: name });
export const errno = (name: string): Outcome => ({ errno: name });
export const bytes = (hex: string): Outcome => ({ value: 0, bytes: hex });
/** A count, and the bytes that changed. */
export const changing = (count: number, ...changed: NonNullable<Outcome['changed']>): Outcome => ({
  value: count,
  changed,
});
