import type { YamlOutcome, YamlRule } from './contract-yaml-types.ts';
import type { Rule, RuleOutcome } from './types.ts';

/** A rule as the contract has it, of one that its schema allows. */
export function ruleFromYaml({ outcome, ...rule }: YamlRule): Rule {
  return { ...rule, ...(outcome && { outcome: outcomeFromYaml(outcome) }) };
}

/** The schema allows exactly one key. */
function outcomeFromYaml({ errno, value, range, oneOf, fd }: YamlOutcome): RuleOutcome {
  if (errno !== undefined) return { kind: 'errno', errno };
  if (value !== undefined) return { kind: 'value', value };
  if (range) return { kind: 'range', first: range[0], last: range[1] };
  if (oneOf) return { kind: 'one_of', outcomes: oneOf.map(outcomeFromYaml) };
  return { kind: fd ? 'fd' : 'undefined' };
}
