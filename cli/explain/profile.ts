import { shellWord } from '../../spec/uapi/shell-words.ts';
import type { Asking, Subject } from './subject.ts';
import { profilesOfTheSeries, rulesAt } from './where.ts';

/** Profiles: what they set, and which rules only they have; or how they differ from the one that --profile names. */
export const profileSubject: Subject = {
  kind: 'a profile',
  names: ({ profiles }) => [...profiles.keys()],
  fits: ({ profile }, name) => profile === name,
  explain(asking, name) {
    const { data, options } = asking;
    if (options.profile !== undefined && options.profile !== name) return comparison(asking, name);
    const { sentence, bases = [] } = data.profiles.get(name)!;
    const rules = asking.contract.rules;
    const others = [...data.profiles.keys()].filter((one) => one !== name);
    const own = [...rules].filter((rule) => !others.some((other) => rulesAt(data, other).has(rule)));
    const lines = [`profile ${name}: ${sentence}`];
    if (profilesOfTheSeries(data).some(({ id }) => id === name))
      lines.push('  No released kernel implements the ioctls of the 2020 nesting series that it has.');
    lines.push(`  run:      vfio-conform run --profile ${shellWord(name)}`);
    for (const base of bases)
      lines.push(`  put on:   --set ${base}=${Object.keys(data.parameters.get(base)!.values).join('|')}`);
    lines.push(`  rules:    ${rules.size}, ${own.length} of them in no other profile`);
    lines.push(...own.map((rule) => `    ${rule}`), '  parameters:');
    for (const [parameter, value] of Object.entries(asking.contract.parameters))
      lines.push(`    ${parameter}=${value}: ${data.parameters.get(parameter)!.values[value]}`);
    return lines.join('\n');
  },
};

/** What sets a profile apart from the one that was asked for by option. */
function comparison({ data, contract, label }: Asking, name: string): string {
  const { parameters } = data.profiles.get(name)!;
  const [rules, otherRules] = [rulesAt(data, name), contract.rules];
  const only = (one: string, some: ReadonlySet<string>, others: ReadonlySet<string>) => {
    const own = [...some].filter((rule) => !others.has(rule));
    const lines = own.map((rule) => `    ${rule}: ${data.rules.get(rule)!.sentence}`);
    return lines.length > 0 ? [`  rules of ${one} only:`, ...lines] : [];
  };
  return [
    `${name}, where it differs from ${label}:`,
    ...Object.entries(contract.parameters)
      .filter(([parameter, value]) => parameters[parameter] !== value)
      .map(([parameter, value]) => `  ${parameter}: ${parameters[parameter]}, not ${value}`),
    ...only(name, rules, otherRules),
    ...only(label, otherRules, rules),
  ].join('\n');
}
