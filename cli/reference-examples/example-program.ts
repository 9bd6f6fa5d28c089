import type { IoctlOp, Op, Program } from '../../spec/uapi/vocabulary.ts';

/** A small program that shows what an ioctl or op does. */
export interface ExampleProgram {
  /** Name of the ioctl, or of the op. */
  of: string;
  /** What it shows, in one sentence. */
  about: string;
  profile: string;
  settings?: Record<string, string>;
  machine?: Program['topology']['machine'];
  /** Default: a group of one device in the slot g. */
  slots?: Program['topology']['slots'];
  /** Ops before; one page of the memory `arg` comes before them. */
  setUp: Op[];
  ops: Op[];
}

/** A request whose argument stands at the start of the page `arg` when that can be read and not written. */
export function notWritable(op: IoctlOp): Op[] {
  if (!('memory' in op.argument)) return [op];
  const { save: _, ...plain } = op;
  return [
    { op: 'poke', memory: 'arg', at: 0, bytes: op.argument.bytes! },
    { op: 'protect', memory: 'arg', at: 0, length: 4096, protection: 'read' },
    { ...plain, argument: { memory: 'arg', at: 0 } },
    { op: 'protect', memory: 'arg', at: 0, length: 4096, protection: 'read-write' },
  ];
}

/** A request whose argument stands at the end of the page `arg`, so that only its first `readable` bytes are there. */
export function requestCutOff(op: IoctlOp, readable: number): IoctlOp {
  if (!('memory' in op.argument)) return op;
  return { ...op, argument: { memory: 'arg', at: 4096 - readable, bytes: op.argument.bytes!.slice(0, 2 * readable) } };
}
