import { code, section } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';
import { numbered, type SetUps, setUpsOf } from './set-ups.ts';

/** An op of a program with what the contract says of it, in words. */
export interface ToldOp {
  op: string;
  outcome: string;
  /** The rule that decided, and those whose effects the op had. */
  rule: string;
  effects: readonly string[];
}

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
  ops: readonly ToldOp[];
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
      ops.slice(setUp).map((op) => toldOp(site, from, op)),
      setUp,
    ),
  ].join('\n\n');
}

/** An op, its outcome, and by which rules: of an ioctl all, of any other op the last that had an effect. */
export function toldOp(site: Site, from: string, { op, outcome, rule, effects }: ToldOp): string {
  const known = [...new Set([...effects, rule])].filter((id) => site.rules.has(id));
  const told = /^(\S+: )?ioctl /.test(op) ? known : [effects.findLast((id) => known.includes(id)) ?? rule];
  const by = told.filter((id) => site.rules.has(id)).map((id) => ruleLink(site, from, id));
  return `${code(op)}: **${outcome}**${by.length === 0 ? '' : `, by ${by.join(', ')}`}`;
}
