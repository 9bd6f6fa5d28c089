import { type Contract, selected } from '../reference/contract.ts';
import type { Handler, Rule, RuleOutcome, Step } from '../spec/contract/types.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import { loadSetting, type SettingOptions } from './setting.ts';
import { defaultProfile } from './target.ts';

/** `vfio-conform explain`: shows a rule, an ioctl, an errno or a parameter. Throws a Problem. */
export async function explainCommand(what: string, options: SettingOptions): Promise<void> {
  const { contract, profile } = loadFitting(what, options);
  const { rules, handlers, parameters } = contract.data;
  const rule = rules.get(what);
  // A short name may be that of ioctls on several kinds of descriptors.
  const asked = handlers.filter((handler) => namesOf(handler).includes(what));
  const parameter = parameters.get(what);
  const text = rule
    ? explainRule(contract, rule, profile)
    : asked.length > 0
      ? asked.map((handler) => explainHandler(contract, handler, profile)).join('\n\n')
      : parameter
        ? [
            `${parameter.id}: ${parameter.sentence}`,
            ...Object.entries(parameter.values).map(([value, sentence]) => `  ${value}: ${sentence}`),
          ].join('\n')
        : /^E[A-Z0-9]+$/.test(what)
          ? explainErrno(contract, what)
          : undefined;
  if (text === undefined) {
    const errnos = [...rules.values()].flatMap(({ outcome }) => (outcome ? errnosOf(outcome) : []));
    const near = nearest(what, [...rules.keys(), ...handlers.flatMap(namesOf), ...parameters.keys(), ...errnos]);
    throw new Problem(
      near.length > 0
        ? `explain ${what}: unknown; did you mean ${near.join(', ')}?`
        : `explain ${what}: unknown, and nothing is called alike; name a rule, an ioctl, an errno or a parameter.`,
    );
  }
  process.stdout.write(`${text}\n`);
}

/** Linux as it is, unless what is asked for is of the requests of 2020 only. */
function loadFitting(what: string, options: SettingOptions): ReturnType<typeof loadSetting> {
  const linux = loadSetting(options, 'type1-6.12');
  const { data, rules } = linux.contract;
  if (options.profile !== undefined) return linux;
  const feature = Object.entries(uapi.ioctls).some(
    ([name, ioctl]) => ioctl.feature && data.handlers.some((one) => one.ioctl === name && namesOf(one).includes(what)),
  );
  if (!feature && (rules.has(what) || !data.rules.has(what))) return linux;
  const other = [defaultProfile('sim'), ...data.profiles.keys()]
    .filter((profile) => data.profiles.has(profile))
    .map((profile) => loadSetting({ ...options, profile }, profile))
    .find(({ contract }) => feature || contract.rules.has(what));
  return other ?? linux;
}

/** What a handler can be asked for by. */
function namesOf({ id, ioctl, op }: Handler): string[] {
  return [...new Set([id, ioctl, op, ioctl?.replace(/^VFIO_(GROUP_|IOMMU_|DEVICE_)?/, '')])].filter(
    (name) => name !== undefined,
  );
}

function explainRule(contract: Contract, rule: Rule, profile: string): string {
  const { id, level, sentence, outcome, sources, verified, note } = rule;
  const lines = [`${id} (${level})`, `  ${sentence}`];
  if (outcome) lines.push(`  outcome:  ${outcomeText(outcome)}`);
  for (const source of sources) lines.push(`  source:   ${sourceText(contract, source)}`);
  if (verified) lines.push(`  observed: Linux ${verified.join(', ')}`);
  if (note) lines.push(`  note:     ${note}`);
  if (!contract.rules.has(id)) lines.push(`  not part of profile ${profile}`);
  for (const handler of contract.data.handlers) {
    if (!handler.table && flatten(contract, handler.steps).some(({ step }) => rulesOf(step).includes(id)))
      lines.push('', explainHandler(contract, handler, profile, id));
  }
  return lines.join('\n');
}

function sourceText(contract: Contract, { source, at }: Rule['sources'][number]): string {
  const { title, where } = contract.data.sources.get(source)!;
  return `${title}, ${where}: ${at}`;
}

function explainHandler(contract: Contract, { ioctl, op, steps }: Handler, profile: string, marked?: string): string {
  const lines = [`${ioctl ?? op}, in this order (${profile}):`];
  const cited: string[] = [];
  const cite = (text: string) => {
    if (!cited.includes(text)) cited.push(text);
    return `[${cited.indexOf(text) + 1}]`;
  };
  for (const { step, depth } of flatten(contract, steps)) {
    const id = ruleOf(step);
    const rule = id === undefined ? undefined : contract.data.rules.get(id);
    const range = step.length === undefined ? '' : ` bytes ${step.from}..${step.from! + step.length - 1}`;
    const kind = step.each
      ? `for each of the ${step.each}:`
      : `${kinds.find((kind) => step[kind] !== undefined) ?? 'the following'}${range}`;
    const only = step.if === undefined ? '' : ` (if ${step.if})`;
    const outcome = rule?.outcome ? ` -> ${outcomeText(rule.outcome)}` : '';
    const citations = rule?.sources.map((source) => cite(sourceText(contract, source))).join('');
    const text = rule ? `${rule.id}${outcome}: ${rule.sentence} ${citations}` : '';
    const mark = (one: string | undefined) => (marked !== undefined && one === marked ? '>' : ' ');
    lines.push(`${mark(id ?? step.if)} ${'  '.repeat(depth)}${kind}${only} ${text}`.trimEnd());
    for (const [word, rule] of wordsOf(step))
      lines.push(
        `${mark(rule)} ${'  '.repeat(depth + 1)}${word}, by ${rule}: ${contract.data.rules.get(rule)!.sentence}`,
      );
  }
  lines.push(...cited.map((text, i) => `  [${i + 1}] ${text}`));
  return lines.join('\n');
}

/** The errnos that an outcome allows. */
function errnosOf(outcome: RuleOutcome): string[] {
  if ('oneOf' in outcome) return outcome.oneOf.flatMap(errnosOf);
  return 'errno' in outcome ? [outcome.errno] : [];
}

function explainErrno(contract: Contract, errno: string): string | undefined {
  const found = [...contract.data.rules.values()].filter(({ outcome }) => outcome && errnosOf(outcome).includes(errno));
  if (found.length === 0) return undefined;
  return [`${errno} is the answer of:`, ...found.map(({ id, sentence }) => `  ${id}: ${sentence}`)].join('\n');
}

/** What a step can be. */
const kinds = ['refuse', 'read', 'write', 'effect', 'case', 'return'] as const;

/** The steps of a setting, as deep as they stand; a block without a condition is none, and a table stands in its place. */
function flatten(contract: Contract, steps: Step[], depth = 0): { step: Step; depth: number }[] {
  return steps.flatMap((step) => {
    if (!selected(step.when, contract.parameters)) return [];
    const table = contract.data.handlers.find((one) => one.table !== undefined && one.table === step.table);
    const inner = table?.steps ?? step.steps ?? [];
    const below = flatten(contract, inner, depth + 1);
    if (step.each || !step.steps) return [{ step, depth }, ...below];
    if (step.if === undefined) return flatten(contract, inner, depth);
    return below.length === 0 ? [] : [{ step, depth }, ...below];
  });
}

/** The words of a step over devices, each with its rule. */
function wordsOf({ stop, result, undo }: Step): [word: string, rule: string][] {
  return Object.entries({ stop, result, undo }).flatMap(([name, choice]) =>
    Object.entries(choice ?? {}).map(([word, rule]): [string, string] => [`${name} ${word}`, rule]),
  );
}

const rulesOf = (step: Step): (string | undefined)[] => [
  ruleOf(step),
  step.if,
  step.on_fault,
  ...wordsOf(step).map(([, rule]) => rule),
];

function ruleOf({ refuse, read, write, effect, case: one, return: result }: Step): string | undefined {
  return refuse ?? read ?? write ?? effect ?? one ?? result;
}

function outcomeText(outcome: RuleOutcome): string {
  if ('errno' in outcome) return outcome.errno === 'result' ? 'what it was told' : outcome.errno;
  if ('value' in outcome) return String(outcome.value);
  if ('fd' in outcome) return 'a file descriptor';
  if ('range' in outcome) return `${outcome.range[0]} to ${outcome.range[1]}`;
  if ('oneOf' in outcome) return outcome.oneOf.map(outcomeText).join(' or ');
  return 'undefined';
}

/** Of two names this share of their pairs of letters must be the same to be called near. */
const NEAR = 0.5;

/** Up to three names that are spelled nearly so, in whatever order of words; nearest first. */
function nearest(what: string, names: readonly string[]): string[] {
  const wanted = letterPairs(what);
  return [...new Map(names.map((name) => [name.toLowerCase().replaceAll(' ', '_'), name])).values()]
    .map((name) => ({ name, share: shareOf(wanted, letterPairs(name)) }))
    .filter(({ share }) => share >= NEAR)
    .sort((a, b) => b.share - a.share)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Neighbouring letters within words, the ends of words included. */
function letterPairs(name: string): Set<string> {
  const words = name.toLowerCase().split(/[_ ]/);
  return new Set(words.flatMap((word) => [...` ${word} `].slice(1).map((letter, i) => ` ${word} `[i] + letter)));
}

function shareOf(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const shared = [...one].filter((pair) => other.has(pair)).length;
  return (2 * shared) / (one.size + other.size);
}
