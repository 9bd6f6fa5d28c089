import type { Change, Machine, Name, Op, Program, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  busMaster,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../../programs/build.ts';
import { single } from '../suite.ts';

/** A program that shows one fact. */
export interface Scenario {
  id: string;
  /** The fact. */
  about: string;
  machine?: Machine;
  slots?: Record<Name, Slot>;
  changes?: Change[];
  /** For which contracts it makes sense, by their parameters; all if not given. */
  when?: (parameters: Record<string, string>) => boolean;
  ops: Op[];
}

/** The program of a scenario. One page of the memory `arg` comes first. */
export function toProgram({ id, about, machine, slots = { g: single }, changes, ops }: Scenario): Program {
  return {
    id: `scenarios/${id}`,
    about,
    topology: machine ? { machine, slots } : { slots },
    ...(changes && { changes }),
    ops: [memory('arg', 1), ...ops],
  };
}

/** A container with the group of slot g and a backend. */
export function ready(type = 'VFIO_TYPE1v2_IOMMU'): Op[] {
  return [openContainer('c'), openGroup('g', 'g'), setContainer('g', 'c'), setIommu('c', type)];
}

/** The same with an open device that may transfer. */
export function readyForDma(type = 'VFIO_TYPE1v2_IOMMU'): Op[] {
  return [...ready(type), openDevice('g', 'g', 'd'), ...busMaster('d')];
}
