import { code } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';

/** An op of a program with what the contract says of it, in words. */
export interface DescribedOp {
  op: string;
  outcome: string;
  /** The rule that decided, and those whose effects the op had. */
  rule: string;
  effects: readonly string[];
}

/** An op, its outcome, and by which rules: of an ioctl all, of any other op the last that had an effect. */
export function describedOp(site: Site, from: string, { op, outcome, rule, effects }: DescribedOp): string {
  const known = [...new Set([...effects, rule])].filter((id) => site.rules.has(id));
  const deciding = /^(\S+: )?ioctl /.test(op) ? known : [effects.findLast((id) => known.includes(id)) ?? rule];
  const by = deciding.filter((id) => site.rules.has(id)).map((id) => ruleLink(site, from, id));
  return `${code(op)}: **${outcome}**${by.length === 0 ? '' : `, by ${by.join(', ')}`}`;
}
