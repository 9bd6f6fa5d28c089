import type { ContractData, Parameter } from '../../../spec/contract/types.ts';
import { code, listed } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';
import { type Row, rulesOfRows, type StepRow } from './steps.ts';

/** Linux as it is; what it does not implement is what no setting of the parameters of 2020 as in it has. */
const MAINLINE = 'type1-6.12';

/** The ioctls of the 2020 nesting series, by the parameters that say whether they are there. */
const requests = ['bind', 'pasid_request', 'cache_invalidate'];
/** What devices show in the config space, which its companion series is about. */
const exposures = ['pasid_exposure', 'pri_exposure', 'ats_exposure'];

/** Whether a parameter is about the 2020 nesting series. */
export const isOf2020 = ({ id, matters = {} }: Parameter): boolean =>
  requests.includes(id) || exposures.includes(id) || 'bind' in matters;

/** Whether a row is of the ioctls of the 2020 nesting series, which no released kernel implements. */
export function isUnreleased({ parameters, profiles }: ContractData, { when }: Row): boolean {
  const mainline = profiles.get(MAINLINE)?.parameters ?? {};
  return when.some((one) =>
    Object.entries(one).some(
      ([name, values]) => isOf2020(parameters.get(name)!) && ![values].flat().includes(mainline[name]!),
    ),
  );
}

/** Whether a row is of kernels before those that there are profiles of. */
const isOld = ({ when }: Row): boolean => when.some(({ base_kernel: base }) => base === '2020');

/** The line under the heading of a page of handlers. */
export function implementedLine(site: Site, from: string, rows: readonly Row[], feature?: string): string {
  if (feature !== undefined && requests.includes(feature)) {
    const absent = rows.find(
      (row): row is StepRow => row.kind === 'step' && row.when.some((one) => one[feature] === 'absent'),
    );
    return `**No released kernel implements this request**; it is of the 2020 nesting series.${absent ? ` ${ruleLink(site, from, absent.rule)} says what Linux does with its number.` : ''}`;
  }
  const rules = (chosen: readonly Row[]) => [...new Set(rulesOfRows(chosen))];
  const unreleased = rules(rows.filter((row) => isUnreleased(site.data, row)));
  const old = rules(rows.filter((row) => isOld(row) && !isUnreleased(site.data, row)));
  const all = rules(rows);
  if (unreleased.length > 0 && all.every((rule) => unreleased.includes(rule))) return `**${noKernel}**`;
  const links = (some: string[]) => listed(some.map((rule) => ruleLink(site, from, rule)));
  if (unreleased.length + old.length === 0) {
    const differ = rows.some(({ when }) => when.length > 0);
    return `Linux 6.1 and 6.12 implement all of this${differ ? ', each with its own values of the parameters below' : ''}.`;
  }
  return [
    'Linux 6.1 and 6.12 implement this, but for some rules.',
    unreleased.length > 0
      ? `**No released kernel implements** those of the ioctls of the 2020 nesting series: ${links(unreleased)}.`
      : '',
    old.length > 0 ? `Only with ${code('base_kernel=2020')} (Linux 5.6): ${links(old)}.` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

/** For pages wholly about the 2020 nesting series. */
export const noKernel = 'No released kernel implements any of this: it is about the 2020 nesting series.';
