import { code, section } from '../markdown.ts';
import type { Site } from '../site.ts';
import { type DescribedOp, describedOp } from './described-op.ts';
import { numbered, type SetUps, setUpsOf } from './set-ups.ts';

/** A small program, run on the contract. */
export interface Example {
  /** Name of the ioctl, or of the op. */
  of: string;
  /** What it shows, in one sentence. */
  about: string;
  /** What it was run by: a profile, and settings in addition. */
  profile: string;
  settings: Record<string, string>;
  /** Ops before it that only set up. */
  setUp: number;
  ops: readonly DescribedOp[];
}

/** The examples of one ioctl or op. `prefix`: of the anchors of set-ups that several of them share. */
export function examplesSection(
  site: Site,
  from: string,
  examples: readonly Example[],
  level = 2,
  prefix = 'set-up',
): string | undefined {
  const setUps = setUpsOf(
    examples.map(({ ops, setUp }) => ops.slice(0, setUp)),
    prefix,
  );
  return section(
    examples.length === 1 ? 'An example' : 'Examples',
    [...setUps.shared, ...examples.map((example) => exampleText(site, from, example, setUps))],
    level,
  );
}

function exampleText(
  site: Site,
  from: string,
  { about, profile, settings, setUp, ops }: Example,
  setUps: SetUps,
): string {
  const by = [code(profile), ...Object.entries(settings).map((pair) => code(pair.join('=')))].join(', ');
  return [
    `**${about}** By ${by}:`,
    setUps.before(ops.slice(0, setUp)),
    numbered(
      ops.slice(setUp).map((op) => describedOp(site, from, op)),
      setUp,
    ),
  ].join('\n\n');
}
