import { type Field, type Ioctl, uapi } from '../../../spec/uapi/uapi.ts';
import { errnosOf, outcomeText, spanText } from '../contract-text.ts';
import { code, listed, prose, section, table } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';
import { type Column, type Row, rowsOf, type StepRow } from './steps.ts';
import { whereText } from './where.ts';

/**
 * For each field of an argument the results of the rules that are about it, those of the driver tables that the handler uses
 * included, and the fields that no rule is about.
 */
export function fieldRules(
  site: Site,
  from: string,
  rows: readonly Row[],
  columns: readonly Column[],
  ioctl: Ioctl,
): string | undefined {
  const results = resultsOf(site, rows);
  const fields = fieldsOf(ioctl);
  const about = ({ name }: Field) => [...results].filter(([id]) => site.data.rules.get(id)!.about?.includes(name));
  const lines = fields.flatMap(({ field, label }) =>
    about(field).map(([id, places], i) => {
      const { outcome, sentence } = site.data.rules.get(id)!;
      return [
        i === 0 ? label : '',
        whereText(site, places, columns),
        `**${outcomeText(outcome!)}**`,
        `${prose(sentence)} ${ruleLink(site, from, id)}`,
      ];
    }),
  );
  if (lines.length === 0) return undefined;
  const others = fields.filter(({ field }) => about(field).length === 0).map(({ field }) => code(field.name));
  return section('What the fields are refused for', [
    'The rules that are about a field, in the order in which they are looked at; those of the driver where the loop over devices comes.',
    table(['field', 'profiles', 'result', 'rule'], lines),
    others.length === 0 ? '' : `No rule is about ${listed(others, 'or')}.`,
  ]);
}

/** The fields of an argument, those that only the layout of Linux 5.10 has after the others. */
function fieldsOf({ struct, argszFirst }: Ioctl): { field: Field; label: string }[] {
  const { fields, alternatives = {} } = uapi.structs[struct!]!;
  const label = ({ name, at, width }: Field) => `${code(name)}, ${spanText(at, at + width)}`;
  const own = fields.flatMap((field) => {
    const others = Object.keys(alternatives).filter((name) => alternatives[name] === field.name);
    return [field, ...others.map((name): Field => ({ ...field, name }))];
  });
  const later = argszFirst === undefined ? [] : uapi.structs[argszFirst]!.fields;
  return [
    ...own.map((field) => ({ field, label: label(field) })),
    ...later
      .filter(({ name }) => own.every((field) => field.name !== name))
      .map((field) => ({ field, label: `${label(field)} with ${code('driver=v5.10')}` })),
  ];
}

/** The rules that end a request without success, in order, each with its rows. */
function resultsOf(site: Site, rows: readonly Row[]): Map<string, StepRow[]> {
  const results = new Map<string, StepRow[]>();
  for (const row of withTables(site, rows)) {
    if (row.kind !== 'step') continue;
    const { outcome } = site.data.rules.get(row.rule)!;
    if (!outcome || (row.step.kind !== 'refuse' && errnosOf(outcome).length === 0)) continue;
    results.set(row.rule, [...(results.get(row.rule) ?? []), row]);
  }
  return results;
}

/** The rows, those of the driver's table in place of a loop over devices. */
function withTables(site: Site, rows: readonly Row[]): Row[] {
  return rows.flatMap((row) => {
    const step = row.kind === 'each' ? row.step : undefined;
    const handler =
      step?.kind === 'each_device' ? site.data.handlers.find(({ table }) => table === step.table) : undefined;
    return handler ? rowsOf(handler.steps, undefined, row.depth + 1, row.when) : [row];
  });
}
