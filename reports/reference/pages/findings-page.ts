import type { Finding } from '../../../spec/contract/types.ts';
import { address, anchor, bullets, code, link, listed, page, prose, section } from '../markdown.ts';
import { noKernel } from '../sections/implemented.ts';
import { ruleLine, type Site } from '../site.ts';

/** Kinds of findings, by the letter that their ids begin with. */
const kinds: Record<string, string> = {
  L: 'The loop over devices',
  B: 'The rollback',
  V: 'The arguments of BIND',
  U: 'UNBIND',
  P: 'PASID_REQUEST',
  G: 'GET_INFO',
  C: 'CACHE_INVALIDATE',
  A: 'What the discussion of May 2020 leaves open',
};

/** What was found about the 2020 nesting series, what states it, and where a counterexample shows it. */
export function findingsText(site: Site, shown: ReadonlySet<string>): string {
  const from = 'findings.md';
  const findings = [...site.data.findings.values()];
  const letters = [...new Set(findings.map(({ id }) => id[0]!))];
  return page(from, 'What was found about the 2020 nesting series', noKernel, [
    `What reviewers said, and what was derived by reading the patches afterwards: each finding says which. The reviewers of 2020 read patches under discussion, not a release; what they did not say here they may well have known. Each is shown with the rules and parameters that state it. Programs of the suite ${code('scenarios')} that show a finding have it in their names, as in ${code('scenarios/findings/l1_newer_domain_fails')}. ${link('Decisions', address(from, 'decisions.md'))} says what was decided where the discussion leaves something open.`,
    `${code('V10')} and ${code('V11')} are findings about the arguments of BIND. ${code('driver=v10')} and ${code('driver=v11')} are revisions of the VT-d driver, and something else.`,
    ...letters.map((letter) =>
      section(
        kinds[letter] ?? letter,
        findings.filter(({ id }) => id.startsWith(letter)).map((finding) => findingText(site, from, finding, shown)),
      ),
    ),
  ]);
}

function findingText(site: Site, from: string, { id, sentence, said }: Finding, shown: ReadonlySet<string>): string {
  const stated = [...site.data.rules.values()].filter(({ findings }) => findings?.includes(id));
  const left = [...site.data.parameters.values()].filter(({ findings }) => findings?.includes(id));
  const lines = [
    said ? `said by ${saidText(site, from, said)}` : 'derived by reading',
    ...stated.map((rule) => ruleLine(site, from, rule)),
    ...left.map(
      ({ id: name, sentence: about }) =>
        `parameter ${link(code(name), address(from, 'parameters.md', name))}: ${about}`,
    ),
  ];
  if (shown.has(id))
    lines.push(link('a counterexample, step by step', address(from, 'counterexamples.md', id.toLowerCase())));
  return `${anchor(id.toLowerCase())}**${id}** ${sentence}\n\n${bullets(lines)}`;
}

/** Who said a finding, and when: the titles of the mails, linked. */
const saidText = ({ data }: Site, from: string, said: readonly string[]): string =>
  listed(said.map((id) => link(prose(data.sources.get(id)!.title), address(from, 'sources.md', id))));
