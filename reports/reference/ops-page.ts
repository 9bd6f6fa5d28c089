import type { Handler } from '../../spec/contract/types.ts';
import { type Example, examplesSection } from './examples.ts';
import { faultsSection } from './faults.ts';
import { implementedLine } from './implemented.ts';
import { stepsIntroduction } from './ioctl-page.ts';
import { address, anchor, link, page, section } from './markdown.ts';
import { parameterChanges } from './parameter-changes.ts';
import { precedenceSection } from './precedence.ts';
import { opsPage, type Site } from './site.ts';
import { columnsOf, profileColumns, rowsOf } from './steps.ts';
import { stepsTable } from './steps-table.ts';

/** The page of all handlers that are for no single ioctl: ops, numbers that nobody knows, and what follows when groups leave. */
export function opsPageText(site: Site, examples: readonly Example[]): string {
  const handlers = site.data.handlers.filter(({ id }) => site.handlers.get(id)!.page === opsPage);
  const all = handlers.flatMap(({ steps }) => rowsOf(steps));
  const anchored = new Set<string>();
  return page(opsPage, 'What programs do besides ioctls', implementedLine(site, opsPage, all), [
    handlers
      .map(({ id }) => site.handlers.get(id)!)
      .map(({ title, anchor }) => `- ${link(title, address(opsPage, opsPage, anchor))}`)
      .join('\n'),
    ...handlers.map((handler) => handlerPart(site, handler, examples, anchored)),
  ]);
}

function handlerPart(
  site: Site,
  { id, op, steps }: Handler,
  examples: readonly Example[],
  anchored: Set<string>,
): string | undefined {
  const place = site.handlers.get(id)!;
  const rows = rowsOf(steps);
  const columns = columnsOf(rows, profileColumns(site.data));
  return section(`${anchor(place.anchor!)}${place.title}`, [
    stepsIntroduction(opsPage, columns.length > 1),
    stepsTable(site, opsPage, rows, columns, anchored),
    precedenceSection(site, opsPage, rows, columns, 3),
    faultsSection(site, opsPage, rows, columns, undefined, 3),
    parameterChanges(site, opsPage, rows, undefined, 3),
    examplesSection(
      site,
      opsPage,
      examples.filter((example) => example.of === op),
      3,
    ),
  ]);
}
