import type { ContractData } from '../../../spec/contract/types.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Example } from '../sections/examples.ts';
import type { InvalidationExample } from '../sections/invalidations.ts';
import { ioctlOf, opsPage, profilePage, siteOf, structPage } from '../site.ts';
import {
  type CheckedProfiles,
  counterexamplePrograms,
  counterexamplesByFinding,
  counterexamplesText,
} from './counterexamples-page.ts';
import { type DecisionPage, decisionsText } from './decisions-page.ts';
import { driverPageText } from './driver-page.ts';
import { errnosText } from './errnos-page.ts';
import { findingsText } from './findings-page.ts';
import { indexText } from './index-page.ts';
import { invariantsText } from './invariants-page.ts';
import { ioctlPageText } from './ioctl-page.ts';
import { odditiesText } from './oddities-page.ts';
import { opsPageText } from './ops-page.ts';
import { parametersText } from './parameters-page.ts';
import { comparisonText, profilePageText } from './profile-pages.ts';
import { sourcesText } from './sources-page.ts';
import { structPageText } from './struct-page.ts';

/** What the pages are made from, besides uapi.yaml. */
export interface ReferenceInput {
  data: ContractData;
  examples: readonly Example[];
  decisions: readonly DecisionPage[];
  /** What CACHE_INVALIDATE does, by cache, granularity and setting. */
  invalidations: readonly InvalidationExample[];
  /** Without it there is no page of counterexamples. */
  check?: CheckedProfiles;
}

/** All pages of the reference, and the programs of the counterexamples: by path in its folder, their text. */
export function referencePages(input: ReferenceInput): Map<string, string> {
  const { data: contract, examples, decisions, invalidations, check } = input;
  const site = siteOf(contract);
  const { data } = site;
  const pages = new Map<string, string>();
  for (const handler of data.handlers) {
    const { page } = site.handlers.get(handler.id)!;
    if (page === opsPage) continue;
    const own = examples.filter(({ of }) => of === handler.ioctl);
    pages.set(
      page,
      ioctlOf(handler) ? ioctlPageText(site, handler, own, invalidations) : driverPageText(site, handler),
    );
  }
  for (const struct of Object.keys(uapi.structs)) pages.set(structPage(struct), structPageText(site, struct));
  for (const profile of data.profiles.values()) pages.set(profilePage(profile.id), profilePageText(site, profile));
  pages.set('profiles/comparison.md', comparisonText(site));
  pages.set(opsPage, opsPageText(site, examples));
  pages.set('parameters.md', parametersText(site));
  pages.set('errnos.md', errnosText(site));
  pages.set('sources.md', sourcesText(site));
  pages.set('findings.md', findingsText(site, new Set(check ? counterexamplesByFinding(check.series).keys() : [])));
  pages.set('linux-oddities.md', odditiesText(site));
  pages.set('decisions.md', decisionsText(site, decisions));
  pages.set('invariants.md', invariantsText(site));
  if (check) {
    pages.set('counterexamples.md', counterexamplesText(site, check));
    for (const [path, text] of counterexamplePrograms(check)) pages.set(path, text);
  }
  return new Map([['index.md', indexText(site, pages)], ...pages]);
}
