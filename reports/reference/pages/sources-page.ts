import type { Source } from '../../../spec/contract/types.ts';
import { anchor, code, link, page, prose, section } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';

/** Who said so: every source with how to look it up, and the rules and invariants that rest on it. */
export function sourcesText(site: Site): string {
  const from = 'sources.md';
  const { sources, rules, invariants } = site.data;
  return page(
    from,
    'Sources',
    'Sources from 2020 are mostly about the requests of that year, which **no released kernel implements**; those of Linux 6.1 and 6.12 are about what these implement.',
    [
      section('How to look one up', [
        [
          `A mail has its Message-Id here. It is at ${code('https://lore.kernel.org/r/MESSAGE-ID')}, for as long as that archive is; any copy of the list ${code('iommu@lists.linux-foundation.org')} or ${code('kvm@vger.kernel.org')} of that date has it, too. The place in it is a patch of the series (${code('6/8')}), a function, or what it is about in words; ${code('D10')} and the like are claims of May 2020, listed in ${link('the story', 'README.md#the-question-of-15-may-2020')}. ${code('vfio_iommu_type1.c:2593 as patched')} is a line of that file with the series applied, as the headers of the hunks count.`,
          `A file of Linux is at ${code('git show v6.12:drivers/vfio/vfio_iommu_type1.c')} in a clone of the kernel, with the release that the title says. The place in it is a function.`,
        ].join('\n\n'),
      ]),
      ...[...sources.values()].map((source) => {
        const uses = [...rules.values()].filter((rule) => rule.sources.some((one) => one.source === source.id));
        const kept = [...invariants.values()].filter((one) => one.sources.some(({ source: id }) => id === source.id));
        return section(
          `${anchor(source.id)}${code(source.id)}`,
          [
            `${prose(source.title)}: ${whereText(source)}`,
            uses.length === 0
              ? ''
              : `${uses.length} rule${uses.length === 1 ? '' : 's'}: ${uses.map(({ id }) => ruleLink(site, from, id)).join(', ')}.`,
            kept.length === 0
              ? ''
              : `Invariants: ${kept.map(({ id }) => `[${id}](invariants.md#${id.toLowerCase()})`).join(', ')}.`,
          ],
          3,
        );
      }),
    ],
  );
}

/** A Message-Id has an @, a page of this project is a link, all else is a place in a tree or a book. */
function whereText({ where }: Source): string {
  if (where.startsWith('docs/')) return `[${where}](../${where.slice('docs/'.length)})`;
  if (/^[^/ ]+@[^/ ]+$/.test(where)) return `message ${code(where)}`;
  return where.includes(' ') ? prose(where) : code(where);
}
