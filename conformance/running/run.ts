import type { Contract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import type { Adapter, Description, Loss, Need, Session } from '../../spec/uapi/adapter.ts';
import { machineName, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Environment, Machine, Program, RecordAttempt, RecordPlace, Trace } from '../../spec/uapi/vocabulary.ts';
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
  /** How often the target may be lost before it is given up; any number, if not given. */
  maxLosses?: number;
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
  /** A machine is being started, the `index`th (from 1) of those that are needed. */
  onStart?(need: Need, index: number, of: number): void;
  /** Programs are being made for it, so many so far. */
  onMaking?(programs: number): void;
  /** It is up, with so many programs to run on it. */
  onSession?(description: Description, cases: readonly Case[]): void;
  /** The target does not offer a machine that programs need; `why` is a clause. */
  onMissing?(need: Need, why: string): void;
  /** The target was lost and is started again. */
  onLoss?(loss: Loss): void;
  onCase(one: RunCase, judged: Judged, environment: Environment): void;
}

/** Whether a run got through everything it was asked for. */
export interface RunEnd {
  complete: boolean;
}

/** After how long in a row, in milliseconds, signals and timers get their turn. */
const turnMs = 40;

/**
 * Runs suites on a target, machine by machine; one that none of the selected programs needs is not started. A machine that
 * the target does not offer is reported and left out. Throws a Problem when the target is lost for good, or too often.
 */
export async function run<Judged extends CaseVerdict>(plan: Plan<Judged>, listener: Listener<Judged>): Promise<RunEnd> {
  // AbortSignal.timeout() would not do: where only AbortSignal.any() knows it, it may be collected before it fires.
  const outOfTime = new AbortController();
  const stopTimer = plan.milliseconds === undefined ? () => {} : later(plan.milliseconds, () => outOfTime.abort());
  const lost = new AbortController();
  const { maxLosses = Number.POSITIVE_INFINITY } = plan;
  let losses = 0;
  const onLoss = (loss: Loss): void => {
    try {
      listener.onLoss?.(loss);
    } catch (error) {
      // Whoever keeps the record cannot; a session that tells of a loss has nothing to do with that.
      lost.abort(error);
    }
    if (++losses > maxLosses) lost.abort(new Problem(tooManyLosses(plan.adapter.target, losses, loss)));
  };
  const signals = [outOfTime.signal, lost.signal, ...(plan.signal ? [plan.signal] : [])];
  try {
    const ended = await runUntil(AbortSignal.any(signals), plan, listener, onLoss);
    lost.signal.throwIfAborted();
    return ended;
  } catch (error) {
    // A target that was given up may have failed otherwise because of that.
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    stopTimer();
  }
}

function tooManyLosses(target: string, losses: number, { why }: Loss): string {
  const times = losses === 1 ? 'once' : `${losses} times`;
  return `${target}: was lost ${times}, at last because ${why}; mend it, or let it be lost more often with --max-losses N.`;
}

/** A timer for any time: those of Node.js hold 24 days. Returns what stops it. */
function later(milliseconds: number, then: () => void): () => void {
  const longest = 2 ** 31 - 1;
  let timer: NodeJS.Timeout;
  const wait = (rest: number): void => {
    timer = setTimeout(() => (rest > longest ? wait(rest - longest) : then()), Math.min(rest, longest));
  };
  wait(milliseconds);
  return () => clearTimeout(timer);
}

async function runUntil<Judged extends CaseVerdict>(
  end: AbortSignal,
  plan: Plan<Judged>,
  listener: Listener<Judged>,
  onLoss: (loss: Loss) => void,
): Promise<RunEnd> {
  const counter = { seen: 0, left: plan.cases ?? Number.POSITIVE_INFINITY };
  const done = new Set<string>();
  const needs = mergeNeeds(plan.suites.flatMap((suite) => suite.needs())).filter((need) => isWanted(plan, need));
  const offered = needs.filter((need) => plan.adapter.offers?.(need) ?? true);
  for (const need of needs) {
    if (counter.left <= 0) break;
    if (end.aborted) return { complete: false };
    if (!offered.includes(need)) {
      listener.onMissing?.(need, `the target offers no machine ${kindOfNeed(need)}`);
      continue;
    }
    listener.onStart?.(need, offered.indexOf(need) + 1, offered.length);
    const session = await startUntil(end, plan.adapter, need, onLoss);
    if (!session) return { complete: false };
    try {
      const { environment } = session.description;
      if (!sameMachine(need.machine, environment.machine) || done.has(environment.id)) {
        listener.onMissing?.(need, unlike(need.machine, environment.machine));
        continue;
      }
      done.add(environment.id);
      const cases = await select(plan, counter, environment, end, listener);
      if (!cases) return { complete: false };
      listener.onSession?.(session.description, cases);
      if (!(await runCases(plan, session, cases, listener, end))) return { complete: false };
    } finally {
      await session.stop(end.aborted);
    }
  }
  return { complete: true };
}

/** A started target; undefined if the end came first, which it then does not keep waiting. */
async function startUntil(
  end: AbortSignal,
  adapter: Adapter,
  need: Need,
  onLoss: (loss: Loss) => void,
): Promise<Session | undefined> {
  const starting = adapter.start(need, { onLoss, signal: end });
  const session = await unlessEnded(end, starting);
  if (session) return session;
  starting.then(
    (late) => late.stop(true),
    () => {},
  );
  return undefined;
}

/** What a promise gives; undefined if the end comes first. */
async function unlessEnded<T>(end: AbortSignal, promise: Promise<T>): Promise<T | undefined> {
  if (end.aborted) return undefined;
  let stop: () => void = () => {};
  const ended = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    end.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, ended]);
  } finally {
    end.removeEventListener('abort', stop);
  }
}

const kindOfNeed = ({ machine }: Need) => machineName(spelledOut(machine));

/** What a machine is that was to be otherwise, such as one whose kernel has built in what was to be left out. */
function unlike(wanted: Machine, had: Machine): string {
  const is = spelledOut(had);
  const differences = Object.entries(spelledOut(wanted)).flatMap(([property, value]) => {
    const actual = is[property as keyof Machine];
    return actual === value ? [] : [`${property} is ${actual}, and ${value} is needed`];
  });
  return `on the machine that the target starts, ${differences.join('; ') || 'there is nothing new'}`;
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
export function* casesFor(selection: Selection, contract: Contract, environment: Environment): Iterable<Case> {
  const machine = kindOfMachine(environment);
  for (const suite of selection.suites)
    for (const unit of selectedUnits(selection, suite, contract, environment))
      for (const { index, program } of selectedPrograms(selection, suite, unit, contract, environment))
        yield { suite: suite.name, place: { machine, unit: unit.id, index }, program };
}

/** The cases that are to be run on a machine; undefined if the end came while they were made. */
async function select(
  plan: Pick<Plan, 'contract' | 'suites' | 'only' | 'shard'>,
  counter: { seen: number; left: number },
  environment: Environment,
  end: AbortSignal,
  listener: Pick<Listener<CaseVerdict>, 'onMaking'>,
): Promise<Case[] | undefined> {
  const { shard } = plan;
  const taken: Case[] = [];
  let turn = Date.now();
  for (const one of casesFor(plan, plan.contract, environment)) {
    const at = counter.seen++;
    if (!shard || at % shard.of === shard.index) taken.push(one);
    if (taken.length === counter.left) break;
    // Asking for the time costs a good part of making a program.
    if (counter.seen % 16 !== 0 || Date.now() - turn < turnMs) continue;
    listener.onMaking?.(taken.length);
    await nextTurn();
    if (end.aborted) return undefined;
    turn = Date.now();
  }
  counter.left -= taken.length;
  return taken;
}

/** Lets signals and timers have their turn. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
  const underWay: { case: Case; trace: Promise<Trace> | Trace }[] = [];
  /** A target that hangs does not keep the end of the run waiting: false. */
  const report = async (): Promise<boolean> => {
    const { case: one, trace: awaited } = underWay.shift()!;
    const { suite, place, program } = one;
    const attempts: RecordAttempt[] = [];
    let trace = awaited instanceof Promise ? await unlessEnded(end, awaited) : awaited;
    if (!trace) return false;
    let judged = judge(trace, environment);
    if (judged.verdict === 'inconclusive') {
      attempts.push(attemptOf(trace, judged));
      trace = await unlessEnded(end, Promise.resolve(starter.start(program)));
      if (!trace) return false;
      judged = judge(trace, environment);
    }
    listener.onCase({ suite, place, trace, ...(attempts.length > 0 && { attempts }) }, judged, environment);
    return true;
  };
  let turn = Date.now();
  for (const [index, one] of cases.entries()) {
    if (end.aborted) return false;
    const trace = starter.start(one.program);
    // Whoever waits for it hears of a failure; until then it must not end the process.
    if (trace instanceof Promise) trace.catch(() => {});
    underWay.push({ case: one, trace });
    if (underWay.length >= session.window && !(await report())) return false;
    // A session that answers at once must not keep signals and timers waiting.
    if (index % 16 === 15 && Date.now() - turn >= turnMs) {
      await nextTurn();
      turn = Date.now();
    }
  }
  while (underWay.length > 0) if (end.aborted || !(await report())) return false;
  return true;
}

function attemptOf({ end, outcomes, log }: Trace, { reason }: CaseVerdict): RecordAttempt {
  return { end, ops: outcomes.length, reason: reason ?? 'inconclusive', ...(log && { log }) };
}
