import { selected } from '../../spec/contract/selected.ts';
import type { ContractData, Parameter } from '../../spec/contract/types.ts';
import type { Asking, Subject } from './subject.ts';
import { rulesAt } from './where.ts';

/** More rules than these are counted, not listed. */
const LISTED = 12;

/** Parameters: what each value means, which profiles have it, and which rules come and go with it. */
export const parameterSubject: Subject = {
  kind: 'a parameter',
  names: ({ parameters }) => [...parameters.keys()],
  fits: ({ contract: { data, parameters } }, name) => selected(data.parameters.get(name)!.matters, parameters),
  explain(asking, name) {
    const { data, contract, label } = asking;
    const parameter = data.parameters.get(name)!;
    const lines = [`parameter ${name}: ${parameter.sentence}`];
    for (const [value, sentence] of Object.entries(parameter.values)) {
      const having = [...data.profiles.values()].filter(({ parameters }) => parameters[name] === value);
      lines.push(`  ${value}: ${sentence}`);
      if (having.length > 0) lines.push(`    profiles: ${having.map(({ id }) => id).join(', ')}`);
      const needs = whenClause(parameter.needs?.[value]);
      if (needs) lines.push(`    needs:    ${needs}`);
      if (value !== contract.parameters[name]) lines.push(...changesBy(asking, name, value));
    }
    lines.push(`  What each value brings and removes is shown for ${label}, where it is ${contract.parameters[name]}.`);
    if (parameter.matters) lines.push(`  It matters with ${whenClause(parameter.matters)}.`);
    for (const id of parameter.findings ?? []) lines.push(`  finding ${id}: ${data.findings.get(id)!.sentence}`);
    return lines.join('\n');
  },
};

/** Settings in words, as options write them. */
export function whenClause(when: Parameter['matters'] = {}): string {
  return Object.entries(when)
    .map(([name, values]) => `${name}=${[values].flat().join(' or ')}`)
    .join(', ');
}

/** The rules that come and go when a parameter of the setting gets another value. */
function changesBy({ data, contract, profile }: Asking, name: string, value: string): string[] {
  const rules = rulesAt(data, profile, { ...differing(data, profile, contract.parameters), [name]: value });
  // The value is impossible in this setting.
  if (rules.size === 0) return [];
  const line = (label: string, ids: string[]) =>
    ids.length === 0 ? [] : [`    ${label}  ${ids.length > LISTED ? `${ids.length} rules` : ids.join(', ')}`];
  return [
    ...line(
      'brings: ',
      [...rules].filter((id) => !contract.rules.has(id)),
    ),
    ...line(
      'removes:',
      [...contract.rules].filter((id) => !rules.has(id)),
    ),
  ];
}

/** What a setting has set otherwise than its profile. */
function differing(data: ContractData, profile: string, setting: Record<string, string>): Record<string, string> {
  const usual = data.profiles.get(profile)!.parameters;
  return Object.fromEntries(Object.entries(setting).filter(([name, value]) => usual[name] !== value));
}
