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
  /** Steps that failed, and those that rest on them. */
  const wrongSteps = new Set<string>();
  let gone: string | undefined;
  yield stepResult('describe', 0, describeFailures(session.description), []);
  for (const step of smokeSteps(session.description.environment.pageSize)) {
    const wrong = gone === undefined ? step.restsOn.filter((name) => wrongSteps.has(name)) : [gone];
    if (wrong.length > 0) {
      wrongSteps.add(step.name);
      yield leftOut(step.name, [`it rests on ${wrong.join(' and ')}`]);
      continue;
    }
    const { result, isGone } = await performStep(session, step);
    if (result.verdict === 'failed') wrongSteps.add(step.name);
    if (isGone) gone = step.name;
    yield result;
  }
}

/** `isGone`: a program crashed or hung, after which nothing more is tried; each may take as long as a target may say nothing. */
async function performStep(
  session: Session,
  { name, programs, exactChanges = false }: SmokeStep,
): Promise<{ result: SmokeStepResult; isGone: boolean }> {
  let isGone = false;
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
    const difference = differenceOf(one, result, exactChanges);
    if (!difference) continue;
    const tokens = [before, program].flatMap((each) => (each ? [toToken(each)] : []));
    failures.push({ fact: one.fact, section: one.section, ...difference, programs: tokens });
    isGone = result.end === 'crashed' || result.end === 'hung';
    if (isGone) break;
  }
  const why = [...(lacked.size > 0 ? [`its description lists no ${[...lacked].join(', ')}`] : []), ...reasons.values()];
  return { result: tried === 0 ? leftOut(name, why) : stepResult(name, tried, failures, why), isGone };
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
  exactChanges: boolean,
): Pick<SmokeFailure, 'op' | 'expected' | 'came'> | undefined {
  const kinds = kindsOf(ops);
  const at = (index: number) => `op ${index}, ${describeOp(ops[index]!, kinds)}`;
  const ended = `the end ${end}${detail ? ` (${detail.replace(/\.$/, '')})` : ''}`;
  for (const [index, expected] of gives.entries()) {
    const actual = outcomes[index];
    if (!actual) return { op: at(index), expected: inWords(expected), came: ended };
    if (!sameOutcome(expected, actual, exactChanges))
      return { op: at(index), expected: inWords(expected), came: inWords(actual) };
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
function sameOutcome(expected: Outcome, actual: Outcome, exactChanges: boolean): boolean {
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]) as Set<keyof Outcome>;
  keys.delete('changed');
  // When an op ran is not what it gives.
  keys.delete('span');
  return (
    [...keys].every((key) => expected[key] === actual[key]) &&
    ((!exactChanges && expected.changed === undefined) || changes(expected.changed) === changes(actual.changed))
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
