import type { CheckDifference, CheckResult, Counterexample } from '../../spec/uapi/vocabulary.ts';
import { folded, numbered, type ToldOp, toldOp } from './examples.ts';
import { noKernel } from './implemented.ts';
import { address, anchor, bullets, code, link, listed, page, section, table } from './markdown.ts';
import { ruleLink, type Site } from './site.ts';

/** What check found out about the series as posted, and about the profiles that keep the invariants. */
export interface CheckedProfiles {
  series: CheckResult;
  /** Its counterexamples told op by op, each with the token that replays it. */
  told: ReadonlyMap<Counterexample, { ops: readonly ToldOp[]; token: string }>;
  keeping: readonly CheckResult[];
}

/** The counterexample of each finding that has one: the shortest. */
export function counterexamplesByFinding({ invariants }: CheckResult): Map<string, Counterexample> {
  const found = new Map<string, Counterexample>();
  for (const one of invariants.flatMap(({ counterexamples }) => counterexamples))
    for (const id of one.defects) if (!found.has(id) || one.steps < found.get(id)!.steps) found.set(id, one);
  return found;
}

/** How the series breaks what a contract for guest page tables must keep, step by step. */
export function counterexamplesText(site: Site, checked: CheckedProfiles): string {
  const from = 'counterexamples.md';
  const { series, keeping } = checked;
  const byFinding = counterexamplesByFinding(series);
  const findings = [...site.data.findings.values()].filter(({ id }) => byFinding.has(id));
  const others = series.invariants
    .flatMap(({ counterexamples }) => counterexamples)
    .filter(({ defects }) => defects.length === 0);
  return page(from, 'Counterexamples', noKernel, [
    `How the series of March 2020, the profile ${code(series.profile)}, breaks ${link('what a contract for guest page tables must keep', address(from, 'invariants.md'))}: for each ${link('finding', address(from, 'findings.md'))} the fewest ops that show it. Found by ${code(`npx vfio-conform check --profile ${series.profile}`)}.`,
    findings.map(({ id, sentence }) => `- ${link(id, `#${id.toLowerCase()}`)} ${sentence}`).join('\n'),
    ...findings.map(({ id, sentence }) =>
      section(
        `${anchor(id.toLowerCase())}${id}: ${sentence}`,
        counterexampleParts(site, from, byFinding.get(id)!, checked),
      ),
    ),
    ...others.map((one) =>
      section(`${one.invariant} breaks without a finding`, counterexampleParts(site, from, one, checked)),
    ),
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
  { series, told }: CheckedProfiles,
): string[] {
  const { invariant, parameters, bases, steps, setUp, broken, world } = counterexample;
  const { ops, token } = told.get(counterexample)!;
  const sentence = site.data.invariants.get(invariant)?.sentence ?? '';
  const set = Object.entries(parameters)
    .map(([name, value]) => ` --set ${name}=${value}`)
    .join('');
  const line = (op: ToldOp) => toldOp(site, from, op);
  const list = (first: number, end: number | undefined) => numbered(ops.slice(first, end).map(line), first);
  const after = ops.length > setUp + steps ? ['What is reachable then:', list(setUp + steps, undefined)] : [];
  return [
    `Breaks ${link(invariant, address(from, 'invariants.md', invariant.toLowerCase()))}: ${sentence}`,
    `On ${listed(bases.map(code)) || 'every driver'}, in the world ${code(world)}.`,
    folded(`Set-up: ${setUp} ops`, list(0, setUp)),
    list(setUp, setUp + steps),
    `**Wrong is:** ${broken}`,
    ...after,
    `Run it again:\n\n\`\`\`sh\nnpx vfio-conform replay ${token} --profile ${series.profile}${set}\n\`\`\``,
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

function premises(from: string, { profile, invariants, holds, notAsked }: CheckResult): string {
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
    `${code(profile)} ${holds ? 'keeps all that it promises' : 'does not keep all that it promises'}.${not}`,
    table(['invariant', '', 'result', 'times its premise held', 'states', 'of them'], rows),
  ].join('\n\n');
}
