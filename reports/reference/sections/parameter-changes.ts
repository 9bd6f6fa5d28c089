import type { When } from '../../../spec/contract/types.ts';
import { address, code, link, prose, section, table } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';
import { profileColumns, type Row, ruleOfRow } from './steps.ts';
import { matters } from './where.ts';

/**
 * What each parameter changes in a handler: for each of its values the rules that are not there with every value. `own`: the
 * parameter that says whether the handler is there at all, about which there is nothing to say.
 */
export function parameterChanges(
  site: Site,
  from: string,
  rows: readonly Row[],
  own?: string,
  level = 2,
): string | undefined {
  const names = [...new Set(rows.flatMap(({ when }) => when.flatMap((one) => Object.keys(one))))];
  const lines = names.filter((name) => name !== own).flatMap((name) => linesOf(site, from, rows, name, own));
  if (lines.length === 0) return undefined;
  const head = ['parameter', 'value', 'profiles', 'rules that are there with it, and not with every value'];
  return section('What each parameter changes', [table(head, lines)], level);
}

/** A line for the values of a parameter with which the same rules are there. */
function linesOf(site: Site, from: string, rows: readonly Row[], name: string, own?: string): string[][] {
  const { values, sentence } = site.data.parameters.get(name)!;
  const asking = rows.flatMap((row) => {
    const rule = row.when.some((one) => name in one) ? ruleOfRow(row) : undefined;
    return rule === undefined ? [] : [{ rule, when: row.when }];
  });
  const lines = new Map<string, string[]>();
  for (const value of Object.keys(values)) {
    const rules = asking.filter(({ when }) => when.every((one) => allows(one, name, value))).map(({ rule }) => rule);
    const links = [...new Set(rules)].map((rule) => ruleLink(site, from, rule)).join(', ') || '(none)';
    lines.set(links, [...(lines.get(links) ?? []), value]);
  }
  return [...lines].map(([links, same], i) => [
    i === 0 ? `${link(code(name), address(from, 'parameters.md', name))}: ${prose(sentence)}` : '',
    same.map((value) => `${code(value)}: ${prose(values[value]!)}`).join('<br>'),
    same
      .map((value) => profilesWith(site, name, value, own))
      .filter(Boolean)
      .join(', '),
    links,
  ]);
}

const allows = (when: When, name: string, value: string): boolean =>
  !(name in when) || [when[name]!].flat().includes(value);

/**
 * The profiles that set a parameter to a value, those left out for which it says nothing, and those without the feature `own` if some
 * profile has it.
 */
export const profilesWith = ({ data }: Site, name: string, value: string, own?: string): string =>
  profileColumns(data, own)
    .filter(({ parameters }) => parameters[name] === value && matters(data.parameters.get(name)!, parameters))
    .flatMap(({ names }) => names.map(code))
    .join(', ');
