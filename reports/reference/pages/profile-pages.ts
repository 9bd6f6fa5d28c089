import { everyStep, tablesOf } from '../../../spec/contract/steps.ts';
import type { ContractData, Profile, Step } from '../../../spec/contract/types.ts';
import { address, bullets, code, link, listed, page, prose, section, table } from '../markdown.ts';
import { isUnreleased } from '../sections/implemented.ts';
import { isThere, rowsOf, rulesOfRows } from '../sections/steps.ts';
import { chosenText, matters } from '../sections/where.ts';
import { profilePage, ruleLine, ruleLink, type Site } from '../site.ts';

/** The rules that handlers have at a setting, and the tables that a step of theirs uses at it. */
function rulesAt({ handlers }: ContractData, parameters: Record<string, string>): Set<string> {
  const byTable = new Map(
    handlers.flatMap(({ table, steps }) => (table === undefined ? [] : [[table, steps] as const])),
  );
  const everUsed = new Set(handlers.flatMap(({ steps }) => [...everyStep(steps)].flatMap(tablesOf)));
  const rules = new Set<string>();
  const visited = new Set<string>();
  const visit = (steps: readonly Step[]): void => {
    const rows = rowsOf(steps).filter((row) => isThere(row, parameters));
    for (const rule of rulesOfRows(rows)) rules.add(rule);
    for (const row of rows)
      for (const table of row.kind === 'each' ? tablesOf(row.step) : []) {
        if (visited.has(table)) continue;
        visited.add(table);
        visit(byTable.get(table)!);
      }
  };
  // A table that no step uses belongs to what follows an op.
  for (const { table, steps } of handlers) if (table === undefined || !everUsed.has(table)) visit(steps);
  return rules;
}

/** The rules that no released kernel implements, wherever they are. */
function unreleasedRules(data: ContractData): Set<string> {
  const rows = data.handlers.flatMap(({ steps }) => rowsOf(steps));
  const released = new Set(rulesOfRows(rows.filter((row) => !isUnreleased(data, row))));
  return new Set([...data.rules.keys()].filter((rule) => !released.has(rule)));
}

/** What of a profile kernels implement, in a line. */
function implementedText({ data }: Site, profile: Profile): string {
  const { parameters } = profile;
  if (isReleased(profile)) return `Linux ${parameters.base_kernel} implements all of this.`;
  const rules = rulesAt(data, parameters);
  const unreleased = unreleasedRules(data);
  const count = [...rules].filter((rule) => unreleased.has(rule)).length;
  return `**No released kernel implements** ${count} of its ${rules.size} rules, those of the ioctls of the 2020 nesting series. The other ${rules.size - count} are about VFIO without them, as Linux 5.6 has it.`;
}

/** The rules of a profile that no released kernel implements, by where they are. */
function unreleasedText(site: Site, from: string, profile: Profile): string {
  const { data } = site;
  const rules = rulesAt(data, profile.parameters);
  const unreleased = [...unreleasedRules(data)].filter((rule) => rules.has(rule));
  const titleOf = (rule: string) => site.rules.get(rule)![0]!.title;
  return bullets(
    [...new Set(unreleased.map(titleOf))].map(
      (title) =>
        `${prose(title)}: ${unreleased
          .filter((rule) => titleOf(rule) === title)
          .map((rule) => ruleLink(site, from, rule))
          .join(', ')}`,
    ),
  );
}

/** For each rule, the profiles that have it. */
function profilesByRule(data: ContractData): Map<string, string[]> {
  const having = new Map<string, string[]>([...data.rules.keys()].map((id) => [id, []]));
  for (const { id, parameters } of data.profiles.values())
    for (const rule of rulesAt(data, parameters)) having.get(rule)!.push(id);
  return having;
}

/** Whether any kernel implements a profile: a setting that has one of the ioctls of the 2020 nesting series, none does. */
const isReleased = ({ parameters }: Profile): boolean =>
  ['bind', 'pasid_request', 'cache_invalidate'].every((request) => parameters[request] === 'absent');

/** The page of a profile: its parameters, and the rules that only it has. */
export function profilePageText(site: Site, profile: Profile): string {
  const { id, sentence, bases = [], parameters } = profile;
  const from = profilePage(id);
  const { data } = site;
  const alone = [...profilesByRule(data)].filter(([, having]) => having.join() === id).map(([rule]) => rule);
  const others = [...data.profiles.keys()].filter((other) => other !== id);
  const lines = Object.entries(parameters).map(([name, value]) => [
    link(code(name), address(from, 'parameters.md', name)),
    chosenText(data.parameters.get(name)!, parameters),
    matters(data.parameters.get(name)!, parameters)
      ? prose(data.parameters.get(name)!.values[value]!)
      : 'it says nothing here',
  ]);
  return page(from, `Profile ${code(id)}`, implementedText(site, profile), [
    sentence,
    bases.length === 0
      ? undefined
      : `What was meant to be under it is open: it can be put on every value of ${listed(bases.map((base) => link(code(base), address(from, 'parameters.md', base))))}.`,
    section('How to run it', [howToRun(profile)]),
    section('Parameters', [table(['parameter', 'value', 'which means'], lines)]),
    section('Rules that only it has', [
      `Others are ${listed(others.map((other) => link(code(other), address(from, profilePage(other)))))}; ${link('the comparison', address(from, 'profiles/comparison.md'))} has all differences.`,
      alone.length === 0 ? 'None.' : bullets(alone.map((rule) => ruleLine(site, from, data.rules.get(rule)!))),
    ]),
    section('Rules that no released kernel implements', [unreleasedText(site, from, profile)]),
  ]);
}

function howToRun(profile: Profile): string {
  const { id, bases = [] } = profile;
  const commands = [`npx vfio-conform run --profile ${id}`];
  for (const base of bases) commands.push(`npx vfio-conform run --profile ${id} --set ${base}=VALUE`);
  if (isReleased(profile))
    commands.push(`npx vfio-conform run --profile ${id} --target kernel:${profile.parameters.base_kernel}`);
  return ['```sh', ...commands, '```'].join('\n');
}

/** The rules that not all profiles have, and their parameters side by side. */
export function comparisonText(site: Site): string {
  const from = 'profiles/comparison.md';
  const { data } = site;
  const profiles = [...data.profiles.values()];
  const heads = profiles.map(({ id }) => link(code(id), address(from, profilePage(id))));
  const parameters = [...data.parameters.keys()].map((name) => {
    const values = profiles.map((profile) => chosenText(data.parameters.get(name)!, profile.parameters));
    return [
      link(code(name), address(from, 'parameters.md', name)),
      ...values,
      new Set(values).size === 1 ? '' : 'differs',
    ];
  });
  const having = profilesByRule(data);
  const unreleased = unreleasedRules(data);
  const differing = data.handlers.flatMap(({ id: handler, steps }) => {
    const rules = [...new Set(rulesOfRows(rowsOf(steps)))].filter(
      (rule) => having.get(rule)!.length !== profiles.length && having.get(rule)!.length > 0,
    );
    if (rules.length === 0) return [];
    const { title } = site.handlers.get(handler)!;
    return [
      section(
        title,
        [
          table(
            ['rule', ...heads],
            rules.map((rule) => [
              `${ruleLink(site, from, rule)}${unreleased.has(rule) ? ' †' : ''}<br>${prose(data.rules.get(rule)!.sentence)}`,
              ...profiles.map(({ id }) => (having.get(rule)!.includes(id) ? '✓' : '')),
            ]),
          ),
        ],
        3,
      ),
    ];
  });
  const none = [...having].filter(([, some]) => some.length === 0).map(([rule]) => ruleLink(site, from, rule));
  const posted = profiles.filter((profile) => !isReleased(profile)).map(({ id }) => code(id));
  const line = `† **No released kernel implements** the rule: it is of the 2020 nesting series, which only ${listed(posted)} have. What has no † is Linux's own.`;
  return page(from, 'Profiles compared', line, [
    section('Parameters', [
      'A dash: at the other settings of that profile the parameter says nothing.',
      table(['parameter', ...heads, ''], parameters),
    ]),
    section('Rules that not all of them have', [
      `All profiles have ${[...having.values()].filter((some) => some.length === profiles.length).length} of ${data.rules.size} rules.`,
      ...differing,
    ]),
    section('Rules that none of them has', [
      'They are there with other settings, as their pages say.',
      none.join(', '),
    ]),
  ]);
}
