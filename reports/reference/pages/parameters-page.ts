import { anchor, code, link, listed, page, prose, section, table } from '../markdown.ts';
import { isOf2020 } from '../sections/implemented.ts';
import { profilesWith } from '../sections/parameter-changes.ts';
import { rowsOf, rulesOfRows, whenText } from '../sections/steps.ts';
import { findingLinks, ruleLink, type Site } from '../site.ts';

/** What the contract leaves open, value by value, with the rules that ask for one. */
export function parametersText(site: Site): string {
  const from = 'parameters.md';
  const { data } = site;
  const of2020 = [...data.parameters.values()].filter(isOf2020).map(({ id }) => link(code(id), `#${id}`));
  const rows = data.handlers.flatMap(({ steps }) => rowsOf(steps));
  const parts = [...data.parameters.values()].map(
    ({ id, sentence, values, matters, needs = {}, implies, findings }) => {
      const asking = rulesOfRows(rows.filter(({ when }) => when.at(-1) !== undefined && id in when.at(-1)!));
      return section(`${anchor(id)}${code(id)}`, [
        sentence,
        matters ? `It says something only where ${whenText(matters, data.parameters)}.` : '',
        table(
          ['value', 'means', 'profiles'],
          Object.entries(values).map(([value, meaning]) => [
            code(value),
            [
              prose(meaning),
              needs[value] ? `Needs: ${whenText(needs[value], data.parameters)}.` : '',
              implies?.[value] ? `Implies ${settings(implies[value])}, unless they are set themselves.` : '',
            ]
              .filter(Boolean)
              .join(' '),
            profilesWith(site, id, value),
          ]),
        ),
        asking.length === 0
          ? ''
          : `Rules that ask for a value themselves: ${[...new Set(asking)].map((rule) => ruleLink(site, from, rule)).join(', ')}.`,
        findings ? `Findings: ${findingLinks(from, findings)}.` : '',
      ]);
    },
  );
  return page(
    from,
    'Parameters',
    `**No released kernel implements** what these are about, the ioctls of the 2020 nesting series: ${listed(of2020)}.`,
    [`What the contract leaves open, or what changed over time. ${code('--set PARAMETER=VALUE')} sets one.`, ...parts],
  );
}

const settings = (implied: Record<string, string>): string =>
  listed(Object.entries(implied).map((pair) => code(pair.join('='))));
