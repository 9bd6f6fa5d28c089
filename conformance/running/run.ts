import type { Contract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import type { Adapter, Description, Need, Session } from '../../spec/uapi/adapter.ts';
import type { Environment, Program, RecordAttempt, RecordPlace, Trace } from '../../spec/uapi/vocabulary.ts';
import type { CaseVerdict } from '../assess/verdict.ts';
import { kindOfMachine, mergeNeeds, sameMachine } from '../suites/suite.ts';
import { type Selection, selectedPrograms, selectedUnits } from './selection.ts';
import { Starter } from './starter.ts';

/** What to run. */
export interface Plan<Judged extends CaseVerdict = CaseVerdict> extends Selection {
  contract: Contract;
  adapter: Adapter;
  /** What a trace is worth. One that is inconclusive is tried once more. */
  judge: (trace: Trace, environment: Environment) => Judged;
  /** At most so many programs. */
  cases?: number;
  /** Stop after so many milliseconds. */
  milliseconds?: number;
  /** Run every `of`th program, from the `index`th on (from 0). */
  shard?: { index: number; of: number };
  signal?: AbortSignal;
}

/** One program to run on one machine, and where it is in the whole. */
export interface Case {
  suite: string;
  place: RecordPlace;
  program: Program;
}

/** A case that was run, with what the attempts before the last came to. */
export interface RunCase {
  suite: string;
  place: RecordPlace;
  trace: Trace;
  attempts?: RecordAttempt[];
}

/** What a run reports while it goes on. */
export interface Listener<Judged extends CaseVerdict> {
  /** A machine is up, with so many programs to run on it. */
  onSession(description: Description, cases: readonly Case[]): void;
  /** The target does not offer a machine that programs need. */
  onMissing(need: Need): void;
  onCase(one: RunCase, judged: Judged, environment: Environment): void;
}

/** Whether a run got through everything it was asked for. */
export interface RunEnd {
  complete: boolean;
}

/**
 * Runs suites on a target, machine by machine; one that none of the selected programs needs is not started. A machine that
 * the target does not offer is reported and left out.
 */
export async function run<Judged extends CaseVerdict>(plan: Plan<Judged>, listener: Listener<Judged>): Promise<RunEnd> {
  const outOfTime = new AbortController();
  // AbortSignal.timeout() would not do: where only AbortSignal.any() knows it, it may be collected before it fires.
  const timer = plan.milliseconds === undefined ? undefined : setTimeout(() => outOfTime.abort(), plan.milliseconds);
  try {
    return await runUntil(AbortSignal.any([...(plan.signal ? [plan.signal] : []), outOfTime.signal]), plan, listener);
  } finally {
    clearTimeout(timer);
  }
}

async function runUntil<Judged extends CaseVerdict>(
  end: AbortSignal,
  plan: Plan<Judged>,
  listener: Listener<Judged>,
): Promise<RunEnd> {
  const counter = { seen: 0, left: plan.cases ?? Number.POSITIVE_INFINITY };
  const done = new Set<string>();
  for (const need of mergeNeeds(plan.suites.flatMap((suite) => suite.needs()))) {
    if (counter.left <= 0) break;
    if (end.aborted) return { complete: false };
    if (!isWanted(plan, need)) continue;
    if (plan.adapter.offers && !plan.adapter.offers(need)) {
      listener.onMissing(need);
      continue;
    }
    const session = await plan.adapter.start(need);
    try {
      const { environment } = session.description;
      if (!sameMachine(need.machine, environment.machine) || done.has(environment.id)) {
        listener.onMissing(need);
        continue;
      }
      done.add(environment.id);
      const cases = select(plan, counter, environment);
      listener.onSession(session.description, cases);
      if (!(await runCases(plan, session, cases, listener, end))) return { complete: false };
    } finally {
      await session.stop();
    }
  }
  return { complete: true };
}

/** Whether any unit is selected that runs on a machine, as far as the contract says. */
function isWanted(plan: Pick<Plan, 'contract' | 'suites' | 'only'>, need: Need): boolean {
  if (plan.only.length === 0) return true;
  const environment = modelEnvironment(need);
  return plan.suites.some(
    (suite) => !selectedUnits(plan, suite, plan.contract, environment)[Symbol.iterator]().next().done,
  );
}

/** The selected programs of all suites for one machine. */
export function casesFor(selection: Selection, contract: Contract, environment: Environment): Case[] {
  const machine = kindOfMachine(environment);
  return selection.suites.flatMap((suite) =>
    Array.from(selectedUnits(selection, suite, contract, environment)).flatMap((unit) =>
      Array.from(selectedPrograms(selection, suite, unit, contract, environment), ({ index, program }) => ({
        suite: suite.name,
        place: { machine, unit: unit.id, index },
        program,
      })),
    ),
  );
}

function select(
  plan: Pick<Plan, 'contract' | 'suites' | 'only' | 'shard'>,
  counter: { seen: number; left: number },
  environment: Environment,
): Case[] {
  const { shard } = plan;
  const mine = casesFor(plan, plan.contract, environment).filter(() => {
    const at = counter.seen++;
    return !shard || at % shard.of === shard.index;
  });
  const taken = mine.slice(0, counter.left);
  counter.left -= taken.length;
  return taken;
}

/** Keeps as many programs under way as the session allows; results are reported in the order of the cases. False: cut off. */
async function runCases<Judged extends CaseVerdict>(
  { judge }: Plan<Judged>,
  session: Session,
  cases: readonly Case[],
  listener: Listener<Judged>,
  end: AbortSignal,
): Promise<boolean> {
  const { environment } = session.description;
  const starter = new Starter(session);
  const ended = new Promise<undefined>((resolve) =>
    end.addEventListener('abort', () => resolve(undefined), { once: true }),
  );
  const underWay: { case: Case; trace: Promise<Trace> | Trace }[] = [];
  const report = async () => {
    const first = underWay[0]!;
    const { suite, place, program } = first.case;
    // A target that hangs must not keep the end of the run waiting.
    let trace = first.trace instanceof Promise ? await Promise.race([first.trace, ended]) : first.trace;
    if (!trace) return;
    underWay.shift();
    let judged = judge(trace, environment);
    const attempts: RecordAttempt[] = [];
    if (judged.verdict === 'inconclusive') {
      attempts.push(attemptOf(trace, judged));
      trace = await starter.start(program);
      judged = judge(trace, environment);
    }
    listener.onCase({ suite, place, trace, ...(attempts.length > 0 && { attempts }) }, judged, environment);
  };
  let cut = false;
  let sinceYield = 0;
  for (const one of cases) {
    if (end.aborted) {
      cut = true;
      break;
    }
    const trace = starter.start(one.program);
    // Whoever waits for it hears of a failure; until then it must not end the process.
    if (trace instanceof Promise) trace.catch(() => {});
    underWay.push({ case: one, trace });
    if (underWay.length >= session.window) await report();
    // A session that answers at once must not keep signals and timers waiting.
    if (++sinceYield >= 500) {
      sinceYield = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  while (underWay.length > 0 && !end.aborted) await report();
  return !cut && underWay.length === 0;
}

function attemptOf({ end, outcomes, log }: Trace, { reason }: CaseVerdict): RecordAttempt {
  return { end, ops: outcomes.length, reason: reason ?? 'inconclusive', ...(log && { log }) };
}
