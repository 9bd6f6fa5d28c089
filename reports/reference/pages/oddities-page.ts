import type { Rule } from '../../../spec/contract/types.ts';
import { bullets, page, section } from '../markdown.ts';
import { isUnreleased } from '../sections/implemented.ts';
import { rowsOf, ruleOfRow } from '../sections/steps.ts';
import { ruleLink, type Site, sourceLinks } from '../site.ts';

/** How the note of a rule begins that states a defect of Linux. */
const DEFECT = 'Looks like a defect; ';

/** What Linux does and probably should not: the rules whose note says so, by where they come first. */
export function odditiesText(site: Site): string {
  const from = 'linux-oddities.md';
  const rows = site.data.handlers.flatMap(({ steps }) => rowsOf(steps));
  const rules = [...site.data.rules.values()].filter(
    ({ id, note }) =>
      note?.startsWith(DEFECT) && rows.some((row) => ruleOfRow(row) === id && !isUnreleased(site.data, row)),
  );
  const title = ({ id }: Rule) => site.rules.get(id)![0]!.title;
  return page(
    from,
    'What Linux does and probably should not',
    'Linux 6.1 and 6.12 implement all of this; what was seen on one of them alone says so.',
    [
      'Linux behaves like this, programs may rely on it, and so each of these is a rule like any other: an implementation that does better fails it. Each says on which real kernels it was seen; what is "from the source" was read there and not seen. What the 2020 nesting series gets wrong is in [findings](findings.md).',
      ...[...new Set(rules.map(title))].map((place) =>
        section(place, [
          bullets(rules.filter((rule) => title(rule) === place).map((rule) => oddity(site, from, rule))),
        ]),
      ),
    ],
  );
}

function oddity(site: Site, from: string, { id, sentence, note, sources, verified = [] }: Rule): string {
  const why = note!.slice(DEFECT.length);
  const seen = verified.length > 0 ? `seen on Linux ${verified.join(' and ')}` : 'from the source, not seen';
  return `${sentence} ${why[0]!.toUpperCase()}${why.slice(1)} (${ruleLink(site, from, id)}; ${seen}; ${sourceLinks(from, sources).replaceAll('<br>', ', ')})`;
}
