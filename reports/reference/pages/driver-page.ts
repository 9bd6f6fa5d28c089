import type { ContractData, Handler } from '../../../spec/contract/types.ts';
import { address, code, link, listed, page, section } from '../markdown.ts';
import { noKernel } from '../sections/implemented.ts';
import { parameterChanges } from '../sections/parameter-changes.ts';
import { precedenceSection } from '../sections/precedence.ts';
import { type Column, columnsOf, isThere, rowsOf } from '../sections/steps.ts';
import { stepsTable } from '../sections/steps-table.ts';
import { type Site, tablesIn } from '../site.ts';

/** The profile on whose settings the revisions of the driver are compared: that of the series as posted. */
const POSTED = 'v1';

/** The page of a driver table: what the IOMMU driver does for one device, revision by revision. */
export function driverPageText(site: Site, handler: Handler): string {
  const { page: from } = site.handlers.get(handler.id)!;
  const rows = rowsOf(handler.steps);
  const settings = revisions(site.data).filter(({ parameters }) => rows.some((row) => isThere(row, parameters)));
  const columns = columnsOf(rows, settings);
  const users = site.data.handlers.filter(({ steps }) => tablesIn(steps).includes(handler.table!));
  return page(from, `What the IOMMU driver does: ${handler.table}`, noKernel, [
    `For one device, when ${listed(users.map(({ id }) => userLink(site, from, id)))} comes to it. An errno is the driver's answer for that device; reaching the end is none. The loop over the devices says what becomes of it.`,
    `A column is a value of the parameter ${link(code('driver'), address(from, 'parameters.md', 'driver'))} under the requests as posted, or a profile with the requests repaired. (The findings ${link('V10', address(from, 'findings.md', 'v10'))} and ${link('V11', address(from, 'findings.md', 'v11'))} have nothing to do with ${code('driver=v10')} and ${code('driver=v11')}.)`,
    section('Steps, in order', [stepsTable(site, from, rows, columns)]),
    precedenceSection(site, from, rows, columns),
    parameterChanges(site, from, rows),
  ]);
}

function userLink(site: Site, from: string, id: string): string {
  const { page, title } = site.handlers.get(id)!;
  return link(code(title), address(from, page));
}

/** The requests as posted on every revision of the driver, and the profiles that repair them. */
function revisions({ parameters, profiles }: ContractData): Column[] {
  const posted = profiles.get(POSTED)?.parameters ?? {};
  const drivers = Object.keys(parameters.get('driver')?.values ?? {}).map(
    (driver): Column => ({ names: [driver], parameters: { ...posted, driver } }),
  );
  const repaired = [...profiles.values()].filter(({ parameters: { nesting_series } }) => nesting_series === 'repaired');
  return [...drivers, ...repaired.map(({ id, parameters }): Column => ({ names: [id], parameters }))];
}
