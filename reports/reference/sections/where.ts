import { selected } from '../../../spec/contract/selected.ts';
import type { Parameter, When } from '../../../spec/contract/types.ts';
import { code, listed } from '../markdown.ts';
import type { Site } from '../site.ts';
import { type Column, isThere, type Row, whenText } from './steps.ts';

/** Whether a parameter says anything at a setting. */
export const matters = (parameter: Parameter, parameters: Record<string, string>): boolean =>
  selected(parameter.matters, parameters);

/** What a setting chooses for a parameter; a dash where that says nothing. */
export function chosenText(parameter: Parameter, parameters: Record<string, string>): string {
  return matters(parameter, parameters) ? code(parameters[parameter.id]!) : '–';
}

/** Where a rule is there, by its rows: in which columns; if in none, in which with the fewest other settings. */
export function whereText({ data }: Site, rows: readonly Row[], columns: readonly Column[]): string {
  const there = columns.filter(({ parameters }) => rows.some((row) => isThere(row, parameters)));
  if (there.length === columns.length) return 'all';
  if (there.length > 0) return listed(there.flatMap(({ names }) => names.map(code)));
  const ways = columns.flatMap(({ names, parameters }) =>
    rows.map((row) => ({ name: names[0]!, lacking: lackingOf(row, parameters) })),
  );
  const [{ name, lacking }] = ways.sort(
    (one, other) => Object.keys(one.lacking).length - Object.keys(other.lacking).length,
  ) as [(typeof ways)[number]];
  return `${code(name)} where ${whenText(lacking, data.parameters)}`;
}

/** What a setting would have to be for a row to be there, and is not. */
function lackingOf({ when }: Row, parameters: Record<string, string>): When {
  const lacking: When = {};
  for (const [name, values] of when.flatMap((one) => Object.entries(one))) {
    if ([values].flat().includes(parameters[name]!)) continue;
    const before = lacking[name];
    lacking[name] = before === undefined ? values : [before].flat().filter((value) => [values].flat().includes(value));
  }
  return lacking;
}
