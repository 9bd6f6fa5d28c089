import { visible } from '../spec/uapi/visible.ts';
import type { CheckedInvariant, CheckResult, Counterexample, Outcome } from '../spec/uapi/vocabulary.ts';
import { describeOp, kindsOf } from './program-text.ts';

/** What check found, for people. `replay` says how to run a counterexample again. */
export function toCheckText(checked: CheckResult, replay: (counterexample: Counterexample) => string): string {
  const { profile, bases, invariants, notAsked, rules, differences, seconds } = visible(checked);
  const lines = [`Profile ${profile}${bases.length > 1 ? `, on ${bases.map(nameOf).join('; ')}` : ''}`];
  for (const base of bases) {
    lines.push('', ...(bases.length > 1 ? [`${nameOf(base)}:`] : []));
    for (const { id, states, transitions, steps, depth, exhausted } of base.worlds)
      lines.push(
        `  ${id.padEnd(15)}${states} states, ${transitions} steps of ${steps} kinds, ${exhausted ? 'no further states' : `all states within ${plural(depth, 'op')}`}`,
      );
  }
  for (const invariant of checked.invariants) lines.push('', ...invariantText(invariant, replay));
  if (notAsked.length > 0) lines.push('', `Not promised by ${profile}: ${notAsked.join(', ')}.`);
  if (differences.length > 0)
    lines.push(
      '',
      `Other findings, by what differs from the recommended contract: ${differences.map(({ defect }) => defect).join(', ')} (--json has the rules).`,
    );
  lines.push('', `Rules of the series: ${rules.taken} of ${rules.total} taken.`);
  const unknown = rules.untaken.filter(({ why }) => why === undefined);
  for (const [why, ids] of groupedByReason(rules.untaken)) lines.push(`  ${ids.join(', ')}: ${why}`);
  if (unknown.length > 0)
    lines.push(
      `  ${unknown.map(({ id }) => id).join(', ')}: not taken within these bounds; a greater --depth may take more`,
    );
  if (invariants.some((one) => standing(one) === 'BROKEN'))
    lines.push('', 'Where something is broken it went one step further only.');
  lines.push('', `${closing(invariants)} ${seconds.toFixed(1)} s`);
  return `${lines.join('\n')}\n`;
}

/** What was found out about an invariant; one that never applied is neither kept nor broken. */
function standing({ holds, counterexamples }: CheckedInvariant): 'holds' | 'BROKEN' | 'not shown' {
  if (holds) return 'holds';
  return counterexamples.length > 0 ? 'BROKEN' : 'not shown';
}

function closing(invariants: readonly CheckedInvariant[]): string {
  const those = (which: ReturnType<typeof standing>) =>
    invariants.filter((one) => standing(one) === which).map(({ id }) => id);
  const [broken, notShown] = [those('BROKEN'), those('not shown')];
  if (broken.length + notShown.length === 0) return 'Within these bounds every invariant holds.';
  return [
    broken.length > 0 ? `Not kept: ${broken.join(', ')}.` : '',
    notShown.length > 0
      ? `Not shown: ${notShown.join(', ')}, since nothing within these bounds is what ${notShown.length === 1 ? 'it is' : 'they are'} about; give a greater --depth.`
      : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function invariantText(invariant: CheckedInvariant, replay: (counterexample: Counterexample) => string): string[] {
  const { id, sentence, premise, counterexamples } = visible(invariant);
  return [
    `${id} ${standing(invariant)}: ${sentence}`,
    `  applied ${plural(premise, 'time')}`,
    ...counterexamples.flatMap((one, i) => [
      `  ${one.defects.join(', ') || 'no finding'}, in ${one.world}${one.bases.length > 0 ? ` (${one.bases.join(', ')})` : ''}: ${one.broken}`,
      ...stepsOf(one),
      // What is run again is the program itself, not how it is shown.
      `    ${replay(invariant.counterexamples[i]!)}`,
    ]),
  ];
}

function stepsOf({ program, outcomes, setUp, steps }: Counterexample): string[] {
  const kinds = kindsOf(program.ops);
  return program.ops
    .slice(setUp, setUp + steps)
    .map((op, i) => `    ${i + 1} ${describeOp(op, kinds)} -> ${outcomeLine(outcomes[setUp + i])}`);
}

const outcomeLine = (outcome: Outcome | undefined): string =>
  outcome === undefined ? 'not said' : String(outcome.errno ?? outcome.fd ?? outcome.value);

function groupedByReason(untaken: CheckResult['rules']['untaken']): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { id, why } of untaken) if (why !== undefined) groups.set(why, [...(groups.get(why) ?? []), id]);
  return groups;
}

const nameOf = ({ parameters }: CheckResult['bases'][number]): string =>
  Object.entries(parameters)
    .map((pair) => pair.join('='))
    .join(', ');

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
