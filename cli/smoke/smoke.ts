import { toToken } from '../../conformance/running/token.ts';
import { describeOutcome } from '../../reference/interpreter/outcome.ts';
import { describeOp, kindsOf } from '../../reports/program-text.ts';
import type { ProgramResult, Session } from '../../spec/uapi/adapter.ts';
import type { Changed, Op, Outcome, Program, SmokeFailure, SmokeStepResult } from '../../spec/uapi/vocabulary.ts';
import { describeFailures } from './description.ts';
import type { SmokeProgram, SmokeStep } from './step.ts';
import { smokeSteps } from './steps.ts';

/** Where the protocol is written down. */
const page = 'docs/protocol.md';

/**
 * Takes a target step by step, programs one at a time. A step is left out when the description lacks its ops, or when one that
 * it rests on failed. Throws what the session throws: a Problem when the target is lost for good.
 */
export async function* smoke(session: Session): AsyncIterable<SmokeStepResult> {
  const failed = new Set<string>();
  const descriptionFailures = describeFailures(session.description);
  yield stepResult('describe', 0, descriptionFailures, []);
  for (const step of smokeSteps(session.description.environment.pageSize)) {
    const lost = step.restsOn.filter((name) => failed.has(name));
    const result =
      lost.length > 0
        ? leftOut(step.name, [`it rests on ${lost.join(' and ')}, where something is wrong`])
        : await performStep(session, step);
    if (result.verdict === 'failed') failed.add(step.name);
    yield result;
  }
}

async function performStep(session: Session, { name, programs }: SmokeStep): Promise<SmokeStepResult> {
  const failures: SmokeFailure[] = [];
  const lacked = new Set<string>();
  /** What it does not do, and what it says of that first. */
  const reasons = new Map<string, string>();
  let tried = 0;
  for (const one of programs) {
    const lacking = lackedOps(one, session.description.ops);
    for (const op of lacking) lacked.add(op);
    if (lacking.length > 0) continue;
    const [before, program] = programsOf(name, one);
    if (before) await session.run(before, {});
    const result = await session.run(program, {});
    const reason = unperformed(program, result);
    if (reason !== undefined) {
      const { detail } = result;
      if (!reasons.has(reason)) reasons.set(reason, detail ? `${reason} (${detail.replace(/\.$/, '')})` : reason);
      continue;
    }
    tried++;
    const difference = differenceOf(one, result);
    if (!difference) continue;
    const tokens = [before, program].flatMap((each) => (each ? [toToken(each)] : []));
    failures.push({ fact: one.fact, section: one.section, ...difference, programs: tokens });
  }
  const why = [...(lacked.size > 0 ? [`its description lists no ${[...lacked].join(', ')}`] : []), ...reasons.values()];
  return tried === 0 ? leftOut(name, why) : stepResult(name, tried, failures, why);
}

function stepResult(step: string, programs: number, failures: SmokeFailure[], reasons: string[]): SmokeStepResult {
  return { step, verdict: failures.length > 0 ? 'failed' : 'passed', programs, failures, leftOut: reasons };
}

const leftOut = (step: string, reasons: string[]): SmokeStepResult => ({
  step,
  verdict: 'left_out',
  programs: 0,
  failures: [],
  leftOut: reasons,
});

function lackedOps({ ops, before = [] }: SmokeProgram, offered: readonly string[]): string[] {
  return [...new Set([...before, ...ops].map(({ op }) => op))].filter((op) => !offered.includes(op));
}

/** The program, after the one that comes before it. */
function programsOf(step: string, { fact, ops, before }: SmokeProgram): [Program | undefined, Program] {
  const made = (about: string, list: readonly Op[]): Program => ({
    id: `smoke/${step.replaceAll(' ', '_')}`,
    about,
    topology: { slots: {} },
    ops: [...list],
  });
  return [before && made('Runs before the next one, which is to find nothing of it.', before), made(`${fact}.`, ops)];
}

/** Which files there are beside those of VFIO is not in a description: a target without one says so by ending the program. */
function unperformed({ ops }: Program, { end, outcomes }: ProgramResult): string | undefined {
  const op = ops[outcomes.length];
  if (end !== 'unsupported' || (op?.op !== 'open' && op?.op !== 'pread')) return undefined;
  const what = op.op === 'pread' ? 'read /dev/zero' : op.what === 'path' ? `open ${op.path}` : `open a ${op.what}`;
  return `it does not ${what}`;
}

/** The first thing in which a result is not what the protocol says. */
function differenceOf(
  { ops, gives }: SmokeProgram,
  { end, outcomes, detail }: ProgramResult,
): Pick<SmokeFailure, 'op' | 'expected' | 'came'> | undefined {
  const kinds = kindsOf(ops);
  const at = (index: number) => `op ${index}, ${describeOp(ops[index]!, kinds)}`;
  const ended = `the end ${end}${detail ? ` (${detail.replace(/\.$/, '')})` : ''}`;
  for (const [index, expected] of gives.entries()) {
    const actual = outcomes[index];
    if (!actual) return { op: at(index), expected: inWords(expected), came: ended };
    if (!sameOutcome(expected, actual)) return { op: at(index), expected: inWords(expected), came: inWords(actual) };
  }
  const wanted = gives.length < ops.length ? 'unsupported' : 'completed';
  const last = ops.length - 1;
  const extra = outcomes[gives.length];
  if (end !== wanted) return { op: at(last), expected: `the end ${wanted}`, came: extra ? inWords(extra) : ended };
  if (extra) return { op: at(last), expected: 'no outcome of the op that it cannot perform', came: inWords(extra) };
  if (end !== 'completed' && !detail)
    return { op: at(last), expected: 'a detail, one sentence for a person', came: `the end ${end} without one` };
  return undefined;
}

/** Integers are compared as they are written: the protocol says how. */
function sameOutcome(expected: Outcome, actual: Outcome): boolean {
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]) as Set<keyof Outcome>;
  keys.delete('changed');
  // When an op ran is not what it gives.
  keys.delete('span');
  return (
    [...keys].every((key) => expected[key] === actual[key]) && changes(expected.changed) === changes(actual.changed)
  );
}

const changes = (changed: readonly Changed[] = []): string =>
  changed.map(({ process, memory, at, bytes }) => `${process}:${memory}:${at}:${bytes}`).join();

/** An outcome after "gives"; a value that is written as a string is shown as one. */
function inWords(outcome: Outcome): string {
  const words = describeOutcome(outcome).replace(/^returns /, '');
  return typeof outcome.value === 'string' ? words.replace(outcome.value, `the string "${outcome.value}"`) : words;
}

/** What is wrong, in one sentence. A failure without programs is one of the description. */
export function smokeSentence({ fact, section, op, expected, came, programs }: SmokeFailure): string {
  const [must, did] = programs.length > 0 ? ['has to give', 'gave'] : ['has to be', 'is'];
  return `${fact}: ${op} ${must} ${expected}, and ${did} ${came} (${page}, "${section}").`;
}
