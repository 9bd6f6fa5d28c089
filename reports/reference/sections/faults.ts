import { onFaultOf } from '../../../spec/contract/steps.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import { outcomeText } from '../contract-text.ts';
import { bullets, code, listed, section, table } from '../markdown.ts';
import { ruleLine, ruleLink, type Site } from '../site.ts';
import { type Column, conditionOf, isThere, type LoopRow, type Row, type StepRow } from './steps.ts';

/** Bytes of an argument, [from, to), the end of which may be open. */
interface Span {
  from: number;
  to: number;
}

/** Bytes that a row copies; `asked`: only as far as argsz reaches. */
interface Copy extends Span {
  row: StepRow;
  asked: boolean;
}

/**
 * What a byte that cannot be read or written does: by ranges of bytes of the argument, then for each copy that comes after an
 * effect what has happened by then. Nothing for a handler that copies nothing.
 */
export function faultsSection(
  site: Site,
  from: string,
  rows: readonly Row[],
  columns: readonly Column[],
  struct?: string,
  level = 2,
): string | undefined {
  const copies = rows
    .filter((row) => isCopy(row, site))
    .filter((row) => columns.some(({ parameters }) => isThere(row, parameters)));
  if (copies.length === 0) return undefined;
  const ofArgument = copies.flatMap(copiesOf);
  const elsewhere = copies.filter((row) => copiesOf(row).length === 0);
  const lines = spansOf(ofArgument).map((span) => {
    const inSpan = ofArgument.filter((copy) => copy.from <= span.from && span.to <= copy.to);
    const cell = (kind: 'read' | 'write') =>
      byRule(inSpan.filter(({ row }) => row.step.kind === kind))
        .map((some) => {
          const text = copyText(
            site,
            from,
            some.map(({ row }) => row),
            rows,
            columns,
          );
          return some[0]!.asked ? `${text}; as far as ${code('argsz')} reaches` : text;
        })
        .join('<br>');
    return [
      span.to === Number.POSITIVE_INFINITY ? `${span.from} and up` : numbersOf(span),
      fieldsIn(span, struct),
      cell('read') || 'never read',
      cell('write') || 'never written',
    ];
  });
  for (const row of elsewhere) {
    const text = copyText(site, from, [row], rows, columns);
    const where = row.step.kind !== 'refuse' ? 'other memory' : 'see the rule';
    lines.push([where, '', ...(row.step.kind !== 'write' ? [text, ''] : ['', text])]);
  }
  return section(
    'What faults when',
    [
      table(['bytes', 'fields', 'if a byte cannot be read', 'if a byte cannot be written'], lines),
      bullets(copies.flatMap((row) => afterEffects(site, from, row, rows, columns))),
      copies.some(({ step }) => step.kind === 'write')
        ? 'A write that faults may have stored the bytes before the first one that cannot be written.'
        : '',
    ],
    level,
  );
}

/** Whether a row reads or writes memory of the process: a step that says so, or a refusal with EFAULT. */
function isCopy(row: Row, { data }: Site): row is StepRow {
  if (row.kind !== 'step') return false;
  if (row.step.kind === 'read' || row.step.kind === 'write') return true;
  const { outcome, sentence } = data.rules.get(row.rule)!;
  return row.step.kind === 'refuse' && outcome?.kind === 'errno' && outcome.errno === 'EFAULT'
    ? /\b(un)?(read|readable|written)\b/.test(sentence)
    : false;
}

/** What a row copies of the argument: what it always does, and what argsz decides about. */
function copiesOf(row: StepRow): Copy[] {
  const { step } = row;
  if ((step.kind !== 'read' && step.kind !== 'write') || step.from === undefined) return [];
  const { from, length } = step;
  const end = step.kind === 'write' ? step.up_to : undefined;
  const to = length === undefined ? Number.POSITIVE_INFINITY : from + length;
  const always = { row, from, to, asked: false };
  return end === undefined ? [always] : [always, { row, from: to, to: end, asked: true }];
}

const numbersOf = ({ from, to }: Span): string => (to === from + 1 ? String(from) : `${from}..${to - 1}`);

function spansOf(copies: readonly Copy[]): Span[] {
  const edges = [...new Set(copies.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  return edges.slice(1).map((to, i) => ({ from: edges[i]!, to }));
}

function fieldsIn({ from, to }: Span, struct: string | undefined): string {
  if (struct === undefined) return '';
  const { fields, appended = [] } = uapi.structs[struct]!;
  return [...fields, ...appended]
    .filter(({ at }) => from <= at && at < to)
    .map(({ name }) => code(name))
    .join(', ');
}

/** Copies by the rule that they are for. */
function byRule(copies: readonly Copy[]): Copy[][] {
  const groups = new Map<string, Copy[]>();
  for (const copy of copies) groups.set(copy.row.rule, [...(groups.get(copy.row.rule) ?? []), copy]);
  return [...groups.values()];
}

/** What becomes of a fault in a copy that is in one place of a handler, or in several. */
function copyText(
  site: Site,
  from: string,
  same: readonly StepRow[],
  rows: readonly Row[],
  columns: readonly Column[],
): string {
  const [row] = same as [StepRow];
  const { outcome } = site.data.rules.get(row.rule)!;
  const there = columns.filter(({ parameters }) => same.some((one) => isThere(one, parameters)));
  const where = there.length === columns.length ? '' : ` in ${listed(there.flatMap(({ names }) => names.map(code)))}`;
  const condition = conditionOf(row, rows);
  const only = condition === undefined ? '' : `, only if ${ruleLink(site, from, condition)}`;
  const undoes =
    onFaultOf(row.step) === undefined ? 'what has been done is not undone' : 'what has been done is undone';
  const done = same.every((one) => effectsBefore(site, one, rows, columns).length === 0)
    ? 'nothing has been done'
    : `**${undoes}**, see below`;
  return `${outcomeText(outcome!)}${where}${only}: ${ruleLink(site, from, row.rule)}; ${done}`;
}

/** What may have been done when a row is reached: what comes before it at the same setting, and earlier turns of its loop. */
function effectsBefore(site: Site, row: Row, rows: readonly Row[], columns: readonly Column[]): (StepRow | LoopRow)[] {
  const at = rows.indexOf(row);
  const loop = rows.findLastIndex(({ kind, depth }, i) => i < at && kind === 'each' && depth < row.depth);
  const inLoop = loop >= 0 && rows.slice(loop + 1, at).every(({ depth }) => depth > rows[loop]!.depth);
  const end = inLoop ? rows.findIndex(({ depth }, i) => i > loop && depth <= rows[loop]!.depth) : at;
  const last = end < 0 ? rows.length : end;
  return rows
    .slice(0, last)
    .filter((one) => changes(site, one))
    .filter((one) => one !== row)
    .filter((one) => columns.some(({ parameters }) => isThere(row, parameters) && isThere(one, parameters)));
}

/** Whether a row may have been done when a later one is reached: a case with an outcome of its own has ended the handler. */
function changes({ data }: Site, row: Row): row is StepRow | LoopRow {
  if (row.kind === 'each') return row.step.kind === 'each_device';
  if (row.kind !== 'step') return false;
  if (row.step.kind === 'case') return data.rules.get(row.rule)!.outcome === undefined;
  return row.step.kind === 'effect' || row.step.kind === 'write';
}

/** For a copy that comes after effects: what stays, and what is undone. */
function afterEffects(
  site: Site,
  from: string,
  row: StepRow,
  rows: readonly Row[],
  columns: readonly Column[],
): string[] {
  const before = effectsBefore(site, row, rows, columns);
  if (before.length === 0) return [];
  const { rules } = site.data;
  const undone = onFaultOf(row.step);
  const undo =
    undone === undefined
      ? 'Nothing is undone.'
      : `Undone is: ${ruleLink(site, from, undone)}: ${rules.get(undone)!.sentence}`;
  const done = before.map((one) =>
    one.kind === 'each'
      ? 'what the driver has done for the devices'
      : `${ruleLink(site, from, one.rule)}: ${rules.get(one.rule)!.sentence}`,
  );
  return [
    [`${ruleLine(site, from, rules.get(row.rule)!)} ${undo} What may have been done by then:`, ...done].join('\n  - '),
  ];
}
