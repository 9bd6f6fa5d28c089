import type { Argument, IoctlOp, Op, Program } from '../../../spec/uapi/vocabulary.ts';
import { memory } from '../../programs/build.ts';
import { topologyOf } from '../suite.ts';
import { type Situation, witnesses } from './situation.ts';

/** Makes a program out of what it is called, the ops before the one under test, and its argument. */
export type Make = (what: string, before: Op[], argument: Argument) => Program;

/** A program that brings about a situation and then makes one ioctl there. */
export function probe(
  situation: Situation,
  handler: string,
  what: string,
  before: Op[],
  ioctl: Pick<IoctlOp, 'number' | 'argument'>,
  feature?: string,
): Program {
  return probeOp(situation, handler, what, before, { op: 'ioctl', fd: situation.fd, ...ioctl }, feature);
}

/** A program that brings about a situation and then does one thing there. */
export function probeOp(
  situation: Situation,
  handler: string,
  what: string,
  before: Op[],
  op: Op,
  feature?: string,
): Program {
  const { id, changes, witnesses: own } = situation;
  const ops: Op[] = [memory('arg', 1), ...situation.ops, ...before, op, ...(own ?? witnesses[situation.probe])];
  return {
    id: `boundary/${handler}/${id}/${what}`,
    ...(feature && { feature }),
    topology: topologyOf(situation),
    ...(changes && { changes }),
    ops,
  };
}
