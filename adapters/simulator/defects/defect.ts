import { Problem } from '../../../spec/uapi/problem.ts';
import type { Parameters } from '../parameters.ts';
import { PARTS, type Parts } from '../parts.ts';

/** What sort of slip a defect is. */
export type DefectKind =
  /** A number loses bits, or keeps too many. */
  | 'width'
  /** Two checks are made in the wrong order. */
  | 'order_of_checks'
  /** Something is not checked. */
  | 'missing_check'
  /** What is refused is refused with another errno. */
  | 'wrong_errno'
  /** What was done before a failure is not undone, or more than that is. */
  | 'roll_back'
  /** Something lives longer than what it belongs to. */
  | 'lifetime'
  /** What belongs to somebody else is given away, or taken. */
  | 'ownership'
  /** A limit counts at the wrong time, or the wrong things. */
  | 'quota'
  /** Something cached is not flushed. */
  | 'cache'
  /** A copy is taken for the original. */
  | 'copy'
  /** A count or a size comes out wrong. */
  | 'accounting'
  /** What there is and what is reported of it differ. */
  | 'capability'
  /** Of several devices, groups or IOMMUs, not all are served. */
  | 'fan_out';

/** One way in which an implementation can be wrong, put into the simulator by `sim:defect=NAME`. */
export interface SimulatorDefect {
  /** In snake case; the file has the same name, with hyphens. */
  name: string;
  /** What the implementation does wrong, in one sentence. */
  sentence: string;
  /** The operation in which the slip is: an ioctl, or an op as `close`, `dma`, `open device`. */
  handler: string;
  kind: DefectKind;
  /** For which settings it makes a difference, by the values of parameters; all if not given. */
  needs?: { readonly [K in keyof Parameters]?: readonly Parameters[K][] };
  /** Why no suite notices it yet; not given for one that is noticed. */
  unnoticed?: string;
  /** The parts that stand in place of ordinary ones, in a kernel with the defect. */
  change(parts: Parts): Partial<Parts>;
}

/** The parts of a kernel with a defect. Throws a Problem where the defect makes no difference at the setting. */
export function partsWith({ name, needs = {}, change }: SimulatorDefect, setting: Parameters): Parts {
  for (const [parameter, values] of Object.entries(needs)) {
    const value = setting[parameter as keyof Parameters];
    if ((values as readonly string[]).includes(value)) continue;
    const asked = values.map((one) => `${parameter}=${one}`).join(' or ');
    throw new Problem(
      `The simulator's defect ${name} makes no difference with ${parameter}=${value}; choose a profile with ${asked}, or add --set ${parameter}=${values[0]}.`,
    );
  }
  return { ...PARTS, ...change(PARTS) };
}
