import type { Handler } from '../../../spec/contract/types.ts';
import { address, anchor, bullets, link, page, section } from '../markdown.ts';
import { type Example, examplesSection } from '../sections/examples.ts';
import { faultsSection } from '../sections/faults.ts';
import { implementedLine } from '../sections/implemented.ts';
import { parameterChanges } from '../sections/parameter-changes.ts';
import { precedenceSection } from '../sections/precedence.ts';
import { inShort } from '../sections/questions.ts';
import { columnsOf, profileColumns, rowsOf } from '../sections/steps.ts';
import { stepsTable } from '../sections/steps-table.ts';
import { followsText, opsPage, type Site } from '../site.ts';
import { stepsIntroduction } from './ioctl-page.ts';

/** What the handlers of the page are about, and the ids of those. */
const groups: [title: string, handlers: string[]][] = [
  [
    'Opening, closing, leaving',
    ['open_container', 'open_group', 'open_device', 'close_on_exec', 'close', 'groups_left'],
  ],
  ['DMA', ['dma']],
  ['Config space and BARs', ['pread', 'pwrite', 'mmap', 'seek']],
  ['Drivers', ['unbind_driver', 'bind_driver']],
  ['Failures by injection', ['inject', 'allocation_failure']],
];
/** Where all others are. */
const OTHERS = 'Numbers that nobody knows';

/** The page of all handlers that are for no single ioctl: ops, numbers that nobody knows, and what follows when groups leave. */
export function opsPageText(site: Site, examples: readonly Example[]): string {
  const handlers = site.data.handlers.filter(({ id }) => site.handlers.get(id)!.page === opsPage);
  const all = handlers.flatMap(({ steps }) => rowsOf(steps));
  const anchored = new Set<string>();
  const grouped = groups.map(([title, ids]): [string, Handler[]] => [
    title,
    ids.flatMap((id) => handlers.find((handler) => handler.id === id) ?? []),
  ]);
  const others = handlers.filter((handler) => !grouped.some(([, some]) => some.includes(handler)));
  const parts: [string, Handler[]][] = [...grouped, [OTHERS, others]];
  return page(opsPage, 'What programs do besides ioctls', implementedLine(site, opsPage, all), [
    bullets(
      parts
        .filter(([, some]) => some.length > 0)
        .map(([title, some]) => `${title}: ${some.map((one) => handlerLink(site, one)).join(', ')}`),
    ),
    ...parts.map(([title, some]) =>
      section(
        title,
        some.map((handler) => handlerPart(site, handler, examples, anchored)),
      ),
    ),
  ]);
}

function handlerLink(site: Site, { id }: Handler): string {
  const { title, anchor } = site.handlers.get(id)!;
  return link(title, address(opsPage, opsPage, anchor));
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
  return section(
    `${anchor(place.anchor!)}${place.title}`,
    [
      followsText(site, opsPage, id),
      inShort(site, opsPage, id, 4),
      stepsIntroduction(opsPage, columns.length > 1),
      stepsTable(site, opsPage, rows, columns, anchored),
      precedenceSection(site, opsPage, rows, columns, 4),
      faultsSection(site, opsPage, rows, columns, undefined, 4),
      parameterChanges(site, opsPage, rows, undefined, 4),
      examplesSection(
        site,
        opsPage,
        examples.filter((example) => example.of === op),
        4,
        `${place.anchor}-set-up`,
      ),
    ],
    3,
  );
}
