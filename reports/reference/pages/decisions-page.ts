import type { Rule } from '../../../spec/contract/types.ts';
import { address, anchor, bullets, code, link, listed, page, prose, section, table } from '../markdown.ts';
import { chosenText } from '../sections/where.ts';
import { ruleLine, ruleLink, type Site } from '../site.ts';

/** A page of docs/decisions/: its file there, and its heading. */
export interface DecisionPage {
  file: string;
  title: string;
}

/** What this project decided, and what is left open and how each profile chooses. */
export function decisionsText(site: Site, written: readonly DecisionPage[]): string {
  const from = 'decisions.md';
  const rules = [...site.data.rules.values()];
  const decided = rules.filter(({ level }) => level === 'DECISION');
  const titleOf = ({ id }: Rule) => site.rules.get(id)![0]!.title;
  const open = rules.filter(({ outcome }) => outcome?.kind === 'undefined');
  return page(
    from,
    'Decisions, and what is open',
    '**No released kernel implements** the rules and parameters of the requests of 2020 below; what is said of Linux is of Linux 6.1 and 6.12.',
    [
      section('Rules that this project decided', [
        `Where nobody else said what must hold, these do. ${link('Guest page tables', '../guest-page-tables.md')} tells why.`,
        ...[...new Set(decided.map(titleOf))].map((title) =>
          [
            `${prose(title)}:`,
            bullets(decided.filter((rule) => titleOf(rule) === title).map((rule) => ruleLine(site, from, rule))),
          ].join('\n\n'),
        ),
      ]),
      section('Decisions in writing', [bullets(written.map(({ file, title }) => link(title, `../decisions/${file}`)))]),
      section('What the discussion of May 2020 leaves open', [
        'A dash: at the other settings of that profile the parameter says nothing.',
        ...openFindings(site, from),
      ]),
      section('What the contract leaves undefined', [
        'The judge stops there with the verdict `undefined`. Some are defects of the series after which nothing can be promised; those called `..._outside_contract` the contract does not say yet.',
        table(
          ['rule', 'sentence', 'stands in'],
          open.map((rule) => undefinedRow(site, from, rule)),
        ),
      ]),
    ],
  );
}

function openFindings(site: Site, from: string): string[] {
  const { findings, parameters, profiles, rules } = site.data;
  return [...findings.values()]
    .filter(({ id }) => id.startsWith('A'))
    .map(({ id, sentence }) => {
      const left = [...parameters.values()].filter(({ findings }) => findings?.includes(id));
      const stated = [...rules.values()].filter(({ findings }) => findings?.includes(id));
      const chosen = left.map(({ id: name }) => [
        link(code(name), address(from, 'parameters.md', name)),
        ...[...profiles.values()].map((profile) => chosenText(parameters.get(name)!, profile.parameters)),
      ]);
      return [
        `${anchor(id.toLowerCase())}**${id}** ${sentence}`,
        chosen.length === 0
          ? 'No parameter leaves it open.'
          : table(['parameter', ...[...profiles.keys()].map(code)], chosen),
        stated.length === 0 ? '' : `Stated by ${listed(stated.map((rule) => ruleLink(site, from, rule.id)))}.`,
      ]
        .filter(Boolean)
        .join('\n\n');
    });
}

function undefinedRow(site: Site, from: string, { id, sentence }: Rule): string[] {
  const places = site.rules.get(id)!.map(({ page, title, anchor }) => link(title, address(from, page, anchor)));
  return [ruleLink(site, from, id), prose(sentence), [...new Set(places)].join('<br>')];
}
