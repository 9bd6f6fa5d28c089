import { shellWord } from '../spec/uapi/shell-words.ts';
import { visible } from '../spec/uapi/visible.ts';
import type { DiffCase, DiffCondition, DiffGroup, DiffRecord, DiffResult, DiffSide } from '../spec/uapi/vocabulary.ts';

/** How a result compares with the rule that is named beside it, where it is not simply as the rule says. */
const standings: Record<DiffSide['standing'], string> = {
  holds: '',
  broken: ', which the result breaks',
  'broken-before': ', which an earlier result breaks',
  undefined: ', which leaves it open',
};

/** The differences of two records as a person reads them; `all`: with every program, not only one a group. */
export function toDiffText(compared: DiffResult, all: boolean): string {
  const result = visible(compared);
  const { first, second, conditions, groups } = result;
  const head = [record('first', first), record('second', second), ...conditions.map(condition), counts(result)];
  return `${[head.join('\n'), ...groups.map((one) => group(one, all)), closing(result)].join('\n\n')}\n`;
}

function record(which: string, { file, target, targetVersion, setting, programs, incomplete }: DiffRecord): string {
  const size = `${programs} programs${incomplete ? `; ${incomplete}` : ''}`;
  return `${`${which}:`.padEnd(8)}${target} (${targetVersion}) by ${setting}, ${file}: ${size}`;
}

function condition({ machine, property, first, second }: DiffCondition): string {
  return `differs: ${machine ? `${machine}: ` : ''}${property} ${shorten(first)} / ${shorten(second)}`;
}

function counts({ programs: { compared, onlyFirst, onlySecond, changed, notRun } }: DiffResult): string {
  const left = [
    [onlyFirst, 'only in the first'],
    [onlySecond, 'only in the second'],
    [changed, 'of one name but other ops'],
    [notRun, 'that a target could not run'],
  ]
    .filter(([count]) => count)
    .map(([count, what]) => `${count} ${what}`);
  return `compared: ${compared} programs${left.length > 0 ? `; not compared: ${left.join(', ')}` : ''}`;
}

function group({ first, second, parameters = [], cases }: DiffGroup, all: boolean): string {
  const lines = [
    `${side(first)} / ${side(second)}: ${cases.length} program${cases.length === 1 ? '' : 's'}`,
    ...(first.rule === second.rule
      ? [`  rule:      ${first.sentence}`]
      : [`  first:     ${first.sentence}`, `  second:    ${second.sentence}`]),
  ];
  for (const { id, first: one, second: other } of parameters) lines.push(`  parameter: ${id} is ${one} / ${other}`);
  for (const one of all ? cases : cases.slice(0, 1)) lines.push(...example(one));
  return lines.join('\n');
}

function side({ rule, setting, standing }: DiffSide): string {
  return `${rule} (${setting}${standings[standing]})`;
}

function example({ program, machine, op, operation, first, second, token }: DiffCase): string[] {
  return [
    `  program:   ${program}, on ${machine}`,
    `    ${`op ${op}:`.padEnd(8)} ${operation}`,
    `    first:   ${first}`,
    `    second:  ${second}`,
    `    replay:  vfio-conform replay ${shellWord(token)}`,
  ];
}

function closing({ first, second, programs: { compared, different }, complete }: DiffResult): string {
  const outcome =
    compared === 0
      ? 'have no program in common that both ran'
      : different === 0
        ? `behave alike on ${compared} programs`
        : `differ on ${different} of ${compared} programs`;
  return `${first.target} and ${second.target} ${outcome}${complete ? '' : '; a record is incomplete'}.`;
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}...`;
}
