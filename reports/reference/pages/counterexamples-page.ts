import type { CheckDifference, CheckResult, Counterexample } from '../../../spec/uapi/vocabulary.ts';
import { address, anchor, bullets, code, link, listed, page, section, table } from '../markdown.ts';
import { type DescribedOp, describedOp } from '../sections/described-op.ts';
import { noKernel } from '../sections/implemented.ts';
import { numbered, type SetUps, setUpsOf } from '../sections/set-ups.ts';
import { ruleLink, type Site } from '../site.ts';

/** What check found out about the series as posted, and about the profiles that keep the invariants. */
export interface CheckedProfiles {
  series: CheckResult;
  /** Its counterexamples described op by op. */
  described: ReadonlyMap<Counterexample, { ops: readonly DescribedOp[] }>;
  keeping: readonly CheckResult[];
}

/** The counterexample of each finding that has one: the shortest. */
export function counterexamplesByFinding({ invariants }: CheckResult): Map<string, Counterexample> {
  const found = new Map<string, Counterexample>();
  for (const one of invariants.flatMap(({ counterexamples }) => counterexamples))
    for (const id of one.defects) if (!found.has(id) || one.steps < found.get(id)!.steps) found.set(id, one);
  return found;
}

/** Counterexamples that show no finding. */
const others = ({ invariants }: CheckResult): Counterexample[] =>
  invariants.flatMap(({ counterexamples }) => counterexamples).filter(({ defects }) => defects.length === 0);

/** Where the program of each counterexample that is described is in the folder of the reference. */
function programPaths(series: CheckResult): [path: string, counterexample: Counterexample][] {
  const path = (name: string) => `counterexamples/${name.toLowerCase()}.json`;
  const without = others(series);
  return [
    ...[...counterexamplesByFinding(series)].map(([id, one]): [string, Counterexample] => [path(id), one]),
    ...without.map((one): [string, Counterexample] => {
      const same = without.filter(({ invariant }) => invariant === one.invariant);
      return [path(same.length === 1 ? one.invariant : `${one.invariant}-${same.indexOf(one) + 1}`), one];
    }),
  ];
}

/** The programs of the counterexamples that are described, as `replay` takes them: by path in the folder of the reference, their text. */
export function counterexamplePrograms({ series }: CheckedProfiles): Map<string, string> {
  return new Map(programPaths(series).map(([path, { program }]) => [path, `${JSON.stringify(program, null, 2)}\n`]));
}

/** How the series breaks what a contract for guest page tables must keep, step by step. */
export function counterexamplesText(site: Site, checked: CheckedProfiles): string {
  const from = 'counterexamples.md';
  const { series, keeping } = checked;
  const byFinding = counterexamplesByFinding(series);
  const findings = [...site.data.findings.values()].filter(({ id }) => byFinding.has(id));
  const paths = programPaths(series);
  const setUps = setUpsOf(
    paths.map(([, one]) => checked.described.get(one)!.ops.slice(0, one.setUp)),
    'set-up',
  );
  const parts = (path: string) => {
    const [, one] = paths.find(([other]) => other === path)!;
    return counterexampleParts(site, from, one, path, setUps, checked);
  };
  return page(from, 'Counterexamples', noKernel, [
    `How the 2020 nesting series, the profile ${code(series.profile)}, breaks ${link('what a contract for guest page tables must keep', address(from, 'invariants.md'))}: for each ${link('finding', address(from, 'findings.md'))} the fewest ops that show it. Found by ${code(`npx vfio-conform check --profile ${series.profile}`)}.`,
    findings.map(({ id, sentence }) => `- ${link(id, `#${id.toLowerCase()}`)} ${sentence}`).join('\n'),
    section('Set-ups', [
      setUps.shared.length === 0
        ? ''
        : 'What several of the programs do first: a container of the nesting type, guest memory and tables, devices that can transfer.',
      ...setUps.shared,
    ]),
    ...findings.map(({ id, sentence }) =>
      section(`${anchor(id.toLowerCase())}${id}: ${sentence}`, parts(`counterexamples/${id.toLowerCase()}.json`)),
    ),
    ...paths
      .filter(([, { defects }]) => defects.length === 0)
      .map(([path, { invariant }]) => section(`${invariant} breaks without a finding`, parts(path))),
    section('Findings without one', [
      'These break no invariant. They are where the rules of the series differ from those of the recommended contract.',
      series.differences.map((one) => differenceText(site, from, one)).join('\n\n'),
    ]),
    section(
      'What holds',
      keeping.map((result) => premises(from, result)),
    ),
  ]);
}

function counterexampleParts(
  site: Site,
  from: string,
  counterexample: Counterexample,
  path: string,
  setUps: SetUps,
  { series, described }: CheckedProfiles,
): string[] {
  const { invariant, parameters, bases, steps, setUp, broken, world } = counterexample;
  const { ops } = described.get(counterexample)!;
  const sentence = site.data.invariants.get(invariant)?.sentence ?? '';
  const set = Object.entries(parameters)
    .map(([name, value]) => ` --set ${name}=${value}`)
    .join('');
  const line = (op: DescribedOp) => describedOp(site, from, op);
  const list = (first: number, end: number | undefined) => numbered(ops.slice(first, end).map(line), first);
  const after = ops.length > setUp + steps ? ['What is reachable then:', list(setUp + steps, undefined)] : [];
  return [
    `Breaks ${link(invariant, address(from, 'invariants.md', invariant.toLowerCase()))}: ${sentence}`,
    `On ${listed(bases.map(code)) || 'every driver'}, in the world ${code(world)}.`,
    setUps.before(ops.slice(0, setUp)),
    list(setUp, setUp + steps),
    `**Wrong is:** ${broken}`,
    ...after,
    `Run it again, ${link('the program', path)}:\n\n\`\`\`sh\nnpx vfio-conform replay docs/reference/${path} --profile ${series.profile}${set}\n\`\`\``,
  ];
}

function differenceText(
  site: Site,
  from: string,
  { defect, sentence, here, recommended, parameters }: CheckDifference,
): string {
  const rules = (ids: readonly string[]) => ids.map((id) => ruleLink(site, from, id)).join(', ');
  return `${anchor(defect.toLowerCase())}**${defect}** ${sentence}\n\n${bullets(
    [
      here.length > 0 ? `as posted: ${rules(here)}` : '',
      recommended.length > 0 ? `recommended: ${rules(recommended)}` : '',
      parameters.length > 0 ? `parameters: ${parameters.map(code).join(', ')}` : '',
    ].filter(Boolean),
  )}`;
}

function premises(from: string, { profile, invariants, notAsked }: CheckResult): string {
  const rows = invariants.map(({ id, sentence, premise, states, depth, exhausted, holds: kept }) => [
    link(id, address(from, 'invariants.md', id.toLowerCase())),
    sentence,
    kept ? 'holds' : '**broken**',
    String(premise),
    String(states),
    exhausted ? 'all' : `to depth ${depth}`,
  ]);
  const not = notAsked.length === 0 ? '' : ` It does not promise ${listed(notAsked)}.`;
  return [
    `${code(profile)} ${invariants.every((one) => one.holds) ? 'keeps all that it promises' : 'does not keep all that it promises'}.${not}`,
    table(['invariant', '', 'result', 'times its premise held', 'states', 'explored'], rows),
  ].join('\n\n');
}
