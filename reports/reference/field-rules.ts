import { type Field, uapi } from '../../spec/uapi/uapi.ts';
import { outcomeText } from './contract-text.ts';
import { code, listed, prose, section, table } from './markdown.ts';
import { ruleLink, type Site } from './site.ts';
import { type Column, isThere, type Row, rowsOf } from './steps.ts';

/** By which words a rule speaks of a field, by what it holds. */
const speaksOf: Partial<Record<Field['holds'], RegExp>> = {
  argsz: /\bargsz\b/,
  flags:
    /^(?!.*(of the (data|address)|access flag|granularity|To the core)).*(\bflags?\b|\bVADDR\b|\bGET_DIRTY_BITMAP\b)/i,
  version: /\bversion\b/,
  format: /\bformat\b/,
  pasid: /\bPASID\b(?! (table|is looked|(and|or) ADDR))/,
  guest_address: /\btable address\b|\baddress of the (root )?table\b/i,
  address_width: /\bwidth\b/,
  zero: /\bpadding\b/i,
  granularity: /\bgranularit/i,
  data_argsz: /\bData that says\b/,
  region: /\bindex\b|\bregion\b/i,
  interrupt: /\bindex\b/i,
  feature: /\bfeature|\bflag/i,
};

/** The same for fields of which what they hold does not say enough. */
const speaksOfName: Record<string, RegExp> = {
  max: /\bmax\b|\brange\b/,
  data_flags: /\bflags? of the data\b/,
  vtd_flags: /\bVT-d part\b|\baccess flag\b|\bmemory type|\bsupervisor\b/i,
  cache: /\bkind of cache\b/,
  info_flags: /\bflag of the address\b|\bwithout the flag\b/,
};

/**
 * For each field of an argument the answers whose rules speak of it, those of the driver tables that the handler uses included.
 * Which do is told by their sentences, up to the first semicolon.
 */
export function fieldRules(
  site: Site,
  from: string,
  rows: readonly Row[],
  columns: readonly Column[],
  struct: string,
): string | undefined {
  const answers = answersOf(site, rows, columns);
  const lines = uapi.structs[struct]!.fields.flatMap((field) => {
    const speaks = speaksOfName[field.name] ?? speaksOf[field.holds];
    const said = [...answers].filter(([id]) => speaks?.test(site.data.rules.get(id)!.sentence.split(';')[0]!));
    return said.map(([id, there], i) => {
      const { outcome, sentence } = site.data.rules.get(id)!;
      return [
        i === 0 ? `${code(field.name)}, bytes ${field.at}..${field.at + field.width - 1}` : '',
        there.length === columns.length ? 'all' : listed(there.flatMap(({ names }) => names.map(code))),
        `**${outcomeText(outcome!)}**`,
        `${prose(sentence)} ${ruleLink(site, from, id)}`,
      ];
    });
  });
  if (lines.length === 0) return undefined;
  return section('What the fields are refused for', [
    'The rules whose sentences speak of a field, in the order in which they are looked at.',
    table(['field', 'profiles', 'answer', 'rule'], lines),
  ]);
}

/** The rules that refuse, in order, each with the columns that have it. */
function answersOf(site: Site, rows: readonly Row[], columns: readonly Column[]): Map<string, Column[]> {
  const answers = new Map<string, Column[]>();
  for (const row of withTables(site, rows)) {
    if (row.kind !== 'step' || (row.step!.refuse ?? row.step!.case) === undefined) continue;
    if (site.data.rules.get(row.rule!)!.outcome === undefined) continue;
    const before = answers.get(row.rule!) ?? [];
    const there = columns.filter((column) => before.includes(column) || isThere(row, column.parameters));
    if (there.length > 0) answers.set(row.rule!, there);
  }
  return answers;
}

/** The rows, those of the driver's table in place of a loop over devices. */
function withTables(site: Site, rows: readonly Row[]): Row[] {
  return rows.flatMap((row) => {
    const handler = site.data.handlers.find(({ table }) => table !== undefined && table === row.step?.table);
    return handler ? rowsOf(handler.steps, undefined, row.depth + 1, row.when) : [row];
  });
}
