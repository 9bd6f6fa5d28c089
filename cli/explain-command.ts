import { type Contract, selected } from '../reference/contract.ts';
import type { Handler, Rule, RuleOutcome, Step } from '../spec/contract/types.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { loadSetting, type SettingOptions } from './setting.ts';

/** `vfio-conform explain`: shows a rule, an ioctl, an errno or a parameter. Throws a Problem. */
export async function explainCommand(what: string, options: SettingOptions): Promise<void> {
  const { contract, profile } = loadSetting(options, 'type1-6.12');
  const { rules, handlers, parameters } = contract.data;
  const rule = rules.get(what);
  const handler = handlers.find(({ id, ioctl, op }) =>
    [id, ioctl, op, ioctl?.replace(/^VFIO_(GROUP_|IOMMU_)?/, '')].includes(what),
  );
  const parameter = parameters.get(what);
  const text = rule
    ? explainRule(contract, rule, profile)
    : handler
      ? explainHandler(contract, handler, profile)
      : parameter
        ? [
            `${parameter.id}: ${parameter.sentence}`,
            ...Object.entries(parameter.values).map(([value, sentence]) => `  ${value}: ${sentence}`),
          ].join('\n')
        : /^E[A-Z0-9]+$/.test(what)
          ? explainErrno(contract, what)
          : undefined;
  if (text === undefined) {
    const names = [...rules.keys(), ...handlers.flatMap(({ id, ioctl }) => [id, ioctl ?? id]), ...parameters.keys()];
    throw new Problem(`explain ${what}: unknown; did you mean ${nearest(what, names).join(', ')}?`);
  }
  process.stdout.write(`${text}\n`);
}

function explainRule(contract: Contract, rule: Rule, profile: string): string {
  const { id, level, sentence, outcome, sources, verified, note } = rule;
  const lines = [`${id} (${level})`, `  ${sentence}`];
  if (outcome) lines.push(`  outcome:  ${outcomeText(outcome)}`);
  for (const { source, at } of sources) {
    const { title, where } = contract.data.sources.get(source)!;
    lines.push(`  source:   ${title}, ${where}: ${at}`);
  }
  if (verified) lines.push(`  observed: Linux ${verified.join(', ')}`);
  if (note) lines.push(`  note:     ${note}`);
  if (!contract.rules.has(id)) lines.push(`  not part of profile ${profile}`);
  for (const handler of contract.data.handlers) {
    if (flatten(handler.steps).some(({ step }) => ruleOf(step) === id || step.if === id))
      lines.push('', explainHandler(contract, handler, profile, id));
  }
  return lines.join('\n');
}

function explainHandler(contract: Contract, { ioctl, op, steps }: Handler, profile: string, marked?: string): string {
  const lines = [`${ioctl ?? op}, in this order (${profile}):`];
  for (const { step, depth } of flatten(steps)) {
    if (!selected(step.when, contract.parameters)) continue;
    const id = ruleOf(step);
    const rule = id === undefined ? undefined : contract.data.rules.get(id);
    const range = step.length === undefined ? '' : ` bytes ${step.from}..${step.from! + step.length - 1}`;
    const kind = step.each
      ? `for each of the ${step.each}:`
      : `${kinds.find((kind) => step[kind] !== undefined)}${range}`;
    const text = rule ? `${rule.id}${rule.outcome ? ` -> ${outcomeText(rule.outcome)}` : ''}: ${rule.sentence}` : '';
    lines.push(`${id === marked && marked ? '>' : ' '} ${'  '.repeat(depth)}${kind} ${text}`.trimEnd());
  }
  return lines.join('\n');
}

function explainErrno(contract: Contract, errno: string): string | undefined {
  const found = [...contract.data.rules.values()].filter(
    ({ outcome }) => outcome && 'errno' in outcome && outcome.errno === errno,
  );
  if (found.length === 0) return undefined;
  return [`${errno} is the answer of:`, ...found.map(({ id, sentence }) => `  ${id}: ${sentence}`)].join('\n');
}

/** What a step can be. */
const kinds = ['refuse', 'read', 'write', 'effect', 'case', 'return'] as const;

function flatten(steps: Step[], depth = 0): { step: Step; depth: number }[] {
  return steps.flatMap((step) => [{ step, depth }, ...flatten(step.steps ?? [], depth + 1)]);
}

function ruleOf({ refuse, read, write, effect, case: one, return: result }: Step): string | undefined {
  return refuse ?? read ?? write ?? effect ?? one ?? result;
}

function outcomeText(outcome: RuleOutcome): string {
  if ('errno' in outcome) return outcome.errno;
  if ('value' in outcome) return outcome.value === 'length' ? 'the length' : String(outcome.value);
  if ('fd' in outcome) return 'a file descriptor';
  if ('range' in outcome) return `${outcome.range[0]} to ${outcome.range[1]}`;
  if ('oneOf' in outcome) return outcome.oneOf.map(outcomeText).join(' or ');
  return 'undefined';
}

/** The three names that need the fewest single-letter edits. */
function nearest(what: string, names: readonly string[]): string[] {
  const wanted = what.toLowerCase();
  const scored = [...new Set(names)].map((name) => ({
    name,
    score: name.toLowerCase().includes(wanted) ? 0 : distance(wanted, name.toLowerCase()),
  }));
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, 3)
    .map(({ name }) => name);
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
