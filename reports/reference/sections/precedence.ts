import { errnosOf, outcomeText } from '../contract-text.ts';
import { code, listed, section } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';
import { type Column, conditionOf, isThere, type Row, ruleOfRow } from './steps.ts';

/** The results of a handler in the order of its checks: of several that apply the first one counts. */
export function precedenceSection(
  site: Site,
  from: string,
  rows: readonly Row[],
  columns: readonly Column[],
  level = 2,
): string | undefined {
  const chains = new Map<string, string[]>();
  for (const { names, parameters } of columns) {
    const answers = answersAt(site, from, rows, parameters);
    const text = answers.map((answer, i) => `${i + 1}. ${answer}`).join('\n');
    if (answers.length !== 1) chains.set(text, [...(chains.get(text) ?? []), ...names]);
  }
  if ([...chains.keys()].every((text) => text === '')) return undefined;
  return section(
    'First wins',
    [
      'If several of these apply, the first one is the result.',
      ...[...chains].flatMap(([text, names]) => [
        chains.size === 1 ? '' : `${listed(names.map(code))}:${text === '' ? ' no refusal.' : ''}`,
        text,
      ]),
    ],
    level,
  );
}

/** Neighbours with the same result, under the same condition, in one. */
function answersAt(site: Site, from: string, rows: readonly Row[], parameters: Record<string, string>): string[] {
  const runs: { answer: string; rules: string[] }[] = [];
  for (const row of rows) {
    if (!isThere(row, parameters)) continue;
    const answer = answerOf(site, row);
    if (answer === undefined) continue;
    const condition = conditionOf(row, rows);
    const text = condition === undefined ? answer : `${answer}, if ${ruleLink(site, from, condition)}`;
    const last = runs.at(-1);
    const run = last?.answer === text ? last : { answer: text, rules: [] };
    if (run !== last) runs.push(run);
    const rule = ruleOfRow(row);
    if (rule !== undefined) run.rules.push(rule);
  }
  return runs.map(({ answer, rules }) =>
    rules.length === 0
      ? answer
      : `${answer}: ${[...new Set(rules)].map((rule) => ruleLink(site, from, rule)).join(', ')}`,
  );
}

function answerOf({ data }: Site, row: Row): string | undefined {
  if (row.kind === 'each' && row.step.kind === 'each_device') return `what the driver returns, ${code(row.step.table)}`;
  const outcome = row.kind === 'step' && row.step.kind !== 'effect' ? data.rules.get(row.rule)!.outcome : undefined;
  if (row.kind !== 'step' || !outcome) return undefined;
  const success = row.step.kind === 'return' && errnosOf(outcome).length === 0;
  return success ? `returns ${outcomeText(outcome)}` : `**${outcomeText(outcome)}**`;
}
