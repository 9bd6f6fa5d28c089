import { anchor, bullets, code, page, section } from '../markdown.ts';
import { noKernel } from '../sections/implemented.ts';
import { whenText } from '../sections/steps.ts';
import { type Site, sourceLinks } from '../site.ts';

/** What a contract for guest page tables must keep in every state. */
export function invariantsText(site: Site): string {
  const from = 'invariants.md';
  const { invariants, parameters } = site.data;
  return page(from, 'Invariants', noKernel, [
    `What a contract for guest page tables must keep in every state, whatever is asked of it. ${code('npx vfio-conform check --profile PROFILE')} looks for a state or a step that breaks one.`,
    ...[...invariants.values()].map(({ id, sentence, premise, when, sources }) =>
      section(`${anchor(id.toLowerCase())}${id}`, [
        sentence,
        bullets([
          `applies: ${premise}`,
          `promised: ${when ? `where ${whenText(when, parameters)}` : 'whatever the setting'}`,
          `said by: ${sourceLinks(from, sources).replaceAll('<br>', ', ')}`,
        ]),
      ]),
    ),
  ]);
}
