import type { Handler } from '../../../spec/contract/types.ts';
import { type Ioctl, uapi } from '../../../spec/uapi/uapi.ts';
import { address, code, link, page, section, table } from '../markdown.ts';
import { type Example, examplesSection } from '../sections/examples.ts';
import { faultsSection } from '../sections/faults.ts';
import { fieldRules } from '../sections/field-rules.ts';
import { implementedLine } from '../sections/implemented.ts';
import { type InvalidationExample, invalidationsSection } from '../sections/invalidations.ts';
import { layoutTable, sizeText } from '../sections/layout.ts';
import { parameterChanges } from '../sections/parameter-changes.ts';
import { precedenceSection } from '../sections/precedence.ts';
import { inShort } from '../sections/questions.ts';
import { columnsOf, profileColumns, rowsOf } from '../sections/steps.ts';
import { stepsTable } from '../sections/steps-table.ts';
import { followsText, ioctlOf, ioctlPage, type Site, structPage } from '../site.ts';

/** The handler of which the invalidations are examples. */
const INVALIDATE = 'cache_invalidate';

/** The page of an ioctl: number, argument, ordered steps, what faults when, what parameters change, examples. */
export function ioctlPageText(
  site: Site,
  handler: Handler,
  examples: readonly Example[],
  invalidations: readonly InvalidationExample[],
): string {
  const name = handler.ioctl!;
  const from = ioctlPage(name);
  const ioctl = ioctlOf(handler)!;
  const { feature } = ioctl;
  const rows = rowsOf(handler.steps, feature);
  const columns = columnsOf(rows, profileColumns(site.data, feature));
  const struct = ioctl.struct;
  return page(from, name, implementedLine(site, from, rows, feature), [
    numberText(from, ioctl),
    followsText(site, from, handler.id),
    inShort(site, from, handler.id),
    section('Argument', argumentParts(site, from, ioctl)),
    section('Steps, in order', [stepsIntroduction(from, columns.length > 1), stepsTable(site, from, rows, columns)]),
    precedenceSection(site, from, rows, columns),
    struct === undefined ? undefined : fieldRules(site, from, rows, columns, ioctl),
    handler.id === INVALIDATE ? invalidationsSection(site, from, invalidations) : undefined,
    faultsSection(site, from, rows, columns, struct),
    parameterChanges(site, from, rows, feature),
    examplesSection(site, from, examples),
  ]);
}

/** What the columns say; how to read a page is on the index. */
export function stepsIntroduction(from: string, several: boolean): string {
  const how = link('How to read this', address(from, 'index.md', 'how-to-read-a-page'));
  return several
    ? `A number is the place of the step in the order of that profile; without one, the profile does not have it. ${how}.`
    : `The same in all profiles that have it. ${how}.`;
}

function numberText(from: string, { number, fd, feature }: Ioctl): string {
  const { type, base } = uapi.requests;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const offset = number - (type << 8) - base;
  const built =
    offset >= 0 && offset < 256
      ? `, \`_IO('${String.fromCharCode(type)}', ${base} + ${offset})\`: type ${hex(type)}, number ${base + offset}, without direction and size`
      : '';
  const on = fd === 'any' ? 'any descriptor' : `descriptors of a ${fd}`;
  return `Request ${code(hex(number))}${built}. On ${on}.${feature === undefined ? '' : ` The parameter ${link(code(feature), address(from, 'parameters.md', feature))} says whether it is there.`}`;
}

function argumentParts(site: Site, from: string, { argument, struct, argszFirst, values }: Ioctl): string[] {
  switch (argument) {
    case 'none':
      return ['None; it is not looked at.'];
    case 'string':
      return ['The address of a string that ends with a zero byte.'];
    case 'value':
      return ['A number, not an address. Named are:', table(['name', 'value'], namedValues(values!))];
    case 'elsewhere':
      return ['The contract does not say.'];
    case 'struct': {
      const parts = layoutParts(
        site,
        from,
        struct!,
        argszFirst === undefined ? '' : 'As the header of Linux 5.5 to 5.9 has it. ',
      );
      return argszFirst === undefined
        ? parts
        : [
            ...parts,
            ...layoutParts(
              site,
              from,
              argszFirst,
              `With ${code('driver=v5.10')} the data starts with a size of its own. `,
            ),
          ];
    }
  }
}

function layoutParts(site: Site, from: string, struct: string, before: string): string[] {
  return [
    `${before}${link(code(struct), address(from, structPage(struct)))}: ${sizeText(struct)}`,
    layoutTable(site, struct),
  ];
}

function namedValues(set: string): string[][] {
  return Object.entries(uapi.values[set]!).map(([name, value]) => [code(name), String(value)]);
}
