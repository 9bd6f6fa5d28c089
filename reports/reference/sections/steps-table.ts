import { match } from 'ts-pattern';
import { type Loop, loopOf } from '../../../spec/contract/steps.ts';
import type { Rule, RuleOutcome, Step } from '../../../spec/contract/types.ts';
import { errnosOf, outcomeText, rangeText } from '../contract-text.ts';
import { address, anchor, code, link, prose, table } from '../markdown.ts';
import { findingLinks, type Site, sourceLinks } from '../site.ts';
import { type Column, isThere, numbersAt, type Row, ruleOfRow, type StepRow, whenText } from './steps.ts';

/**
 * The ordered steps of a handler: a column for each group of settings, with the place of the step in the order there.
 * `anchored`: rules that have an anchor on the page already; each rule gets one where it comes first.
 */
export function stepsTable(
  site: Site,
  from: string,
  rows: readonly Row[],
  columns: readonly Column[],
  anchored = new Set<string>(),
): string {
  const numbers = columns.map(({ parameters }) => numbersAt(rows, parameters));
  const heads = columns.length === 1 ? ['#'] : columns.map(({ names }) => names.map(code).join('<br>'));
  const lines = rows.map((row) => {
    const id = ruleOfRow(row);
    const rule = id === undefined ? undefined : site.data.rules.get(id)!;
    return [
      ...columns.map(({ parameters }, i) =>
        row.kind === 'if' || row.kind === 'word'
          ? isThere(row, parameters)
            ? '✓'
            : ''
          : String(numbers[i]!.get(row) ?? ''),
      ),
      `${'│ '.repeat(row.depth)}${whatItDoes(site, from, row)}`,
      rule?.outcome && row.kind === 'step' ? outcomeText(rule.outcome) : '',
      rule ? `${firstAnchor(rule.id, anchored)}${ruleCell(site, from, rule, row)}` : '',
      rule ? sourceLinks(from, rule.sources) : '',
    ];
  });
  return table([...heads, 'step', 'result', 'rule', 'source'], lines);
}

function firstAnchor(rule: string, anchored: Set<string>): string {
  if (anchored.has(rule)) return '';
  anchored.add(rule);
  return anchor(rule);
}

function whatItDoes(site: Site, from: string, row: Row): string {
  return match(row)
    .with({ kind: 'where' }, ({ own }) => `**where ${whenText(own, site.data.parameters)}:**`)
    .with({ kind: 'if' }, () => '**if:**')
    .with({ kind: 'word' }, ({ words }) => words.map((word) => loopWords[word]!).join('; '))
    .with({ kind: 'each' }, ({ step, own }) => {
      const where = own ? `, where ${whenText(own, site.data.parameters)}` : '';
      return `**for each of the ${loopNames[loopOf(step)!]}${where}:** ${tableLinks(from, step)}`.trimEnd();
    })
    .with({ kind: 'step' }, ({ step, rule }) => stepText(step, site.data.rules.get(rule)!.outcome))
    .exhaustive();
}

const loopNames: Record<Loop, string> = {
  pages: 'pages',
  segments: 'segments of the range',
  pasid_segments: 'pages of the transfer with a PASID',
  mappings: 'mappings',
  accesses: 'accesses',
  config_bytes: 'bytes of the config space',
  caches: 'caches',
  devices: 'devices',
};

/** What the words of a loop over devices mean, and of a write. */
const loopWords: Record<string, string> = {
  'stop group': 'a failure ends the turn of its domain',
  'stop container': 'a failure ends it for all',
  'stop none': 'a failure does not end it',
  'result first': 'the first failure is the result',
  'result last': 'the result is that of the domain visited last',
  'undo all': 'after a failure all devices are undone',
  'on fault': 'a byte that cannot be written undoes',
  'undo done_reversed': 'after a failure what was done is undone, backwards',
};

function tableLinks(from: string, step: Step): string {
  if (step.kind !== 'each_device') return '';
  const { table, undo_table: undo } = step;
  const to = (name: string) => link(name, address(from, `drivers/${name}.md`));
  return `${to(table)}${undo === undefined ? '' : `, undone by ${to(undo)}`}`;
}

/** What a step does, with the bytes of the argument that it is about. What ends without an errno refuses nothing. */
function stepText(step: StepRow['step'], outcome: RuleOutcome | undefined): string {
  if (step.kind === 'refuse' && errnosOf(outcome!).length === 0) return 'ends';
  return match(step)
    .with({ kind: 'refuse' }, () => 'refuses')
    .with({ kind: 'read' }, () => `reads ${rangeText(step)}`)
    .with({ kind: 'write' }, () => `writes ${rangeText(step)}`.trimEnd())
    .with({ kind: 'effect' }, () => 'changes')
    .with({ kind: 'case' }, () => 'case')
    .with({ kind: 'return' }, () => 'returns')
    .exhaustive();
}

/** The sentence of a rule and, smaller, all else that is known about it. */
function ruleCell(site: Site, from: string, rule: Rule, row: Row): string {
  const { id, level, sentence, note, verified, logs, findings } = rule;
  const more = [
    code(id),
    level === 'MUST' ? '' : level,
    row.kind === 'step' && row.own ? `only where ${whenText(row.own, site.data.parameters)}` : '',
    verified ? `seen on Linux ${verified.join(', ')}` : '',
    logs ? `may log ${logs.map(code).join(', ')}` : '',
    findings ? `finding ${findingLinks(from, findings)}` : '',
  ].filter(Boolean);
  return `${prose(sentence)}${note ? ` *${prose(note)}*` : ''}<br><sub>${more.join(' · ')}</sub>`;
}
