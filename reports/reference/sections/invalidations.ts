import { code, section, table } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';

/** What CACHE_INVALIDATE of one cache in one granularity does for a PASID that is bound. */
export interface InvalidationExample {
  /** Names of the uapi. */
  cache: string;
  granularity: string;
  /** Value of the parameter `driver` under the series as posted, or a profile. */
  setting: string;
  /** In words. */
  outcome: string;
  /** The rule that decided. */
  rule: string;
  /** What is flushed; nothing if no rule says so. */
  flushes?: string;
}

/** A grid of caches and granularities, a column for each setting; columns that do not differ are put together. */
export function invalidationsSection(
  site: Site,
  from: string,
  all: readonly InvalidationExample[],
): string | undefined {
  if (all.length === 0) return undefined;
  const pairs = [...new Set(all.map(pairOf))];
  const cellsOf = (setting: string) =>
    pairs.map((pair) => cell(site, from, all.find((one) => pairOf(one) === pair && one.setting === setting)!));
  const columns = new Map<string, string[]>();
  for (const setting of new Set(all.map((one) => one.setting))) {
    const key = JSON.stringify(cellsOf(setting));
    columns.set(key, [...(columns.get(key) ?? []), setting]);
  }
  const settings = [...columns.values()];
  const cells = settings.map(([first]) => cellsOf(first!));
  return section('Caches and granularities', [
    `What a well-formed request for one cache does: of a PASID that is bound, with its PASID flag, by ADDR with an aligned address. A column is a value of ${code('driver')} under the series as posted, or a profile with the series repaired; ${code('v1-singleton')} behaves as ${code('v1-fixed')}, and there nobody can see what is cached in the TLB of the one device from what is by its domain. No driver lets its cache of PASID table entries get stale, so that nobody can see whether it was flushed.`,
    table(
      ['cache', 'granularity', ...settings.map((names) => names.map(code).join('<br>'))],
      pairs.map((pair, i) => [...pair.split(' ').map(code), ...cells.map((column) => column[i]!)]),
    ),
  ]);
}

const pairOf = ({ cache, granularity }: InvalidationExample): string => `${cache} ${granularity}`;

function cell(site: Site, from: string, { outcome, rule, flushes }: InvalidationExample): string {
  if (outcome !== 'returns 0') return `**${outcome}** ${ruleLink(site, from, rule)}`;
  return flushes === undefined ? '0, nothing is flushed' : `0, ${ruleLink(site, from, flushes)}`;
}
