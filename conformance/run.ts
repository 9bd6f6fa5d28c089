import type { Contract } from '../reference/contract.ts';
import type { Adapter, Description, Need, Session } from '../spec/uapi/adapter.ts';
import type { Environment, Program, Trace } from '../spec/uapi/vocabulary.ts';
import { assignSlots, mergeNeeds, type Suite, sameMachine } from './suite.ts';
import { type CaseVerdict, decide } from './verdict.ts';

/** What to run. */
export interface Plan {
  contract: Contract;
  adapter: Adapter;
  suites: readonly Suite[];
  /** At most so many programs. */
  cases?: number;
  /** Stop after so many milliseconds. */
  milliseconds?: number;
  /** Run every `of`th program, from the `index`th on (from 0). */
  shard?: { index: number; of: number };
  /** See decide(). */
  strict: boolean;
  signal?: AbortSignal;
}

/** One program to run on one machine. */
export interface Case {
  suite: string;
  program: Program;
}

/** What a run tells while it goes on. */
export interface Listener {
  /** A machine is up, with so many programs to run on it. */
  onSession(description: Description, cases: readonly Case[]): void;
  /** The target does not offer a machine that programs need. */
  onMissing(need: Need): void;
  onCase(suite: string, trace: Trace, verdict: CaseVerdict, environment: Environment): void;
}

/** Whether a run got through everything it was asked for. */
export interface RunEnd {
  complete: boolean;
}

/** Runs suites on a target, machine by machine. A machine that the target does not offer is told and left out. */
export async function run(plan: Plan, listener: Listener): Promise<RunEnd> {
  const outOfTime = new AbortController();
  // AbortSignal.timeout() would not do: where only AbortSignal.any() knows it, it may be collected before it fires.
  const timer = plan.milliseconds === undefined ? undefined : setTimeout(() => outOfTime.abort(), plan.milliseconds);
  try {
    return await runUntil(AbortSignal.any([...(plan.signal ? [plan.signal] : []), outOfTime.signal]), plan, listener);
  } finally {
    clearTimeout(timer);
  }
}

async function runUntil(end: AbortSignal, plan: Plan, listener: Listener): Promise<RunEnd> {
  const counter = { seen: 0, left: plan.cases ?? Number.POSITIVE_INFINITY };
  const done = new Set<string>();
  for (const need of mergeNeeds(plan.suites.flatMap((suite) => suite.needs()))) {
    if (counter.left <= 0) break;
    if (end.aborted) return { complete: false };
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

/** The programs of all suites for one machine. */
export function casesFor(suites: readonly Suite[], contract: Contract, environment: Environment): Case[] {
  return suites.flatMap((suite) =>
    Array.from(suite.programs(contract, environment), (program) => ({ suite: suite.name, program })),
  );
}

function select(plan: Plan, counter: { seen: number; left: number }, environment: Environment): Case[] {
  const { shard } = plan;
  const mine = casesFor(plan.suites, plan.contract, environment).filter(() => {
    const at = counter.seen++;
    return !shard || at % shard.of === shard.index;
  });
  const taken = mine.slice(0, counter.left);
  counter.left -= taken.length;
  return taken;
}

/** Keeps as many programs under way as the session allows; results are told in the order of the cases. False: cut off. */
async function runCases(
  plan: Plan,
  session: Session,
  cases: readonly Case[],
  listener: Listener,
  end: AbortSignal,
): Promise<boolean> {
  const { contract, strict } = plan;
  const { environment } = session.description;
  const starter = new Starter(session);
  const ended = new Promise<undefined>((resolve) =>
    end.addEventListener('abort', () => resolve(undefined), { once: true }),
  );
  const underWay: { case: Case; trace: Promise<Trace> | Trace }[] = [];
  const tell = async () => {
    const first = underWay[0]!;
    const { suite, program } = first.case;
    // A target that hangs must not keep the end of the run waiting.
    let trace = first.trace instanceof Promise ? await Promise.race([first.trace, ended]) : first.trace;
    if (!trace) return;
    underWay.shift();
    let verdict = decide(contract, environment, trace, strict);
    if (verdict.verdict === 'inconclusive') {
      trace = await starter.start(program);
      verdict = decide(contract, environment, trace, strict);
    }
    listener.onCase(suite, trace, verdict, environment);
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
    if (underWay.length >= session.window) await tell();
    // A session that answers at once must not keep signals and timers waiting.
    if (++sinceYield >= 500) {
      sinceYield = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  while (underWay.length > 0 && !end.aborted) await tell();
  return !cut && underWay.length === 0;
}

/** Why a program is not run on a target that does not have one of its ops. */
export const cannotPerform = (op: string) => `the target cannot perform ${op}`;

/** Why a program is not run on a target without the groups that it needs. */
export const noGroups = 'the target has no groups like those that the program needs';

/** Starts programs of one session. */
class Starter {
  readonly #session: Session;
  readonly #ops: ReadonlySet<string>;
  /** Programs of a situation share the object that says which groups they need. */
  readonly #assigned = new WeakMap<object, Record<string, string> | undefined>();

  constructor(session: Session) {
    this.#session = session;
    this.#ops = new Set(session.description.ops);
  }

  start(program: Program): Promise<Trace> | Trace {
    const environment = this.#session.description.environment.id;
    const slots = this.#assign(program);
    const unsupported = (detail: string): Trace => ({ environment, program, end: 'unsupported', outcomes: [], detail });
    if (!slots) return unsupported(noGroups);
    for (const { op } of program.ops) if (!this.#ops.has(op)) return unsupported(cannotPerform(op));
    const result = this.#session.run(program, slots);
    if (result instanceof Promise) return result.then((one) => ({ environment, program, ...one }));
    return { environment, program, ...result };
  }

  #assign({ topology: { slots } }: Program): Record<string, string> | undefined {
    if (!this.#assigned.has(slots))
      this.#assigned.set(slots, assignSlots(slots, this.#session.description.environment));
    return this.#assigned.get(slots);
  }
}
