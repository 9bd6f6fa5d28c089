import { setTimeout } from 'node:timers/promises';
import type { Description, ProgramResult, Session, SessionHooks } from '../../spec/uapi/adapter.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import type { Channel, Lost } from './channel.ts';
import type { Link } from './link.ts';
import { NotTheProtocol } from './not-the-protocol.ts';

/** How a session reaches its daemon. */
export interface SessionOptions extends SessionHooks {
  /** The target as the user named it; problems start with it. */
  place: string;
  /** Starts the daemon. Throws a Problem for what only the user can mend, any other error when trying again may help. */
  launch(): Promise<Link>;
  /** What the user can do when the daemon does not start: the second half of a sentence. */
  remedy: string;
  /** What happened to one that could not be started: the end of the sentence's first part; `did not start` if absent. */
  failure?: string;
  /** Milliseconds to wait before each try to start it again once it is lost; three tries at once if absent. */
  restarts?: readonly number[];
  /** How many programs may be under way at once. */
  window: number;
  /** How long a started daemon may take to say what it is. */
  handshakeMs: number;
  /** While programs are under way, the daemon counts as hung when it says nothing for that long. */
  stallMs: number;
  /** What to call the daemon in a sentence, such as `The command`. */
  subject: string;
  /**
   * Looks at a result before the caller sees it, and may add faults of the kernel. The daemon is then no longer to be
   * trusted: it is started anew.
   */
  inspect?(result: ProgramResult): ProgramResult;
  /** Hears what could not be ended, in a sentence. */
  note?(line: string): void;
}

interface Job {
  program: Program;
  slots: Record<string, string>;
  /** The daemon was lost with it under way. */
  isSuspect: boolean;
  resolve(result: ProgramResult): void;
  reject(error: unknown): void;
}

/** A daemon that does not start is not kept from it by what is around it, so that waiting would not help. */
const atOnce: readonly number[] = [0, 0, 0];
/** For what is around it, such as a network: a quarter of a minute. */
export const reconnecting: readonly number[] = [0, 100, 300, 1000, 3000, 10_000];
/** How much of what the daemon last wrote a problem shows. */
const problemLines = 12;

/**
 * Programs run by a daemon that may die. What was under way then runs again, one program at a time, each on its own: only one
 * that the daemon dies of again is to blame.
 */
export class RemoteSession implements Session {
  readonly description: Description;
  readonly window: number;
  private readonly options: SessionOptions;
  private readonly waiting: Job[] = [];
  private readonly suspects: Job[] = [];
  private readonly underWay = new Set<Job>();
  private channel: Channel | undefined;
  private opening: Promise<void> | undefined;
  /** What is left of a lost daemon, being cleared away. */
  private clearing: Promise<void> = Promise.resolve();
  /** The daemon is to be started anew when nothing is under way. */
  private spoiled = false;
  private over: Problem | undefined;
  private readonly stopping = new AbortController();

  private constructor(options: SessionOptions, channel: Channel, description: Description) {
    this.options = options;
    this.window = options.window;
    this.channel = channel;
    this.description = description;
  }

  /** Starts the daemon and asks it what it is. Throws a Problem when that fails. */
  static async start(options: SessionOptions): Promise<RemoteSession> {
    try {
      const { channel, description } = await open(options);
      return new RemoteSession(options, channel, description);
    } catch (error) {
      throw problem(options, error);
    }
  }

  run(program: Program, slots: Record<string, string>): Promise<ProgramResult> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ program, slots, isSuspect: false, resolve, reject });
      this.pump();
    });
  }

  async stop(atOnce = false): Promise<void> {
    if (this.channel?.lost && !this.over) this.lose(this.channel.lost, []);
    this.giveUp(new Problem(`${this.options.place} was stopped; start it again to run programs.`));
    this.stopping.abort();
    await this.opening;
    await Promise.all([this.clearing, this.channel && clear(this.options, this.channel, atOnce)]);
    this.channel = undefined;
  }

  /** Starts what may be started now. */
  private pump(): void {
    if (this.over) this.giveUp(this.over);
    if (this.waiting.length + this.suspects.length === 0) return;
    if (this.spoiled && this.underWay.size > 0) return;
    if (this.channel?.lost && this.underWay.size === 0) {
      // It died with no program under way: none is to blame.
      this.lose(this.channel.lost, []);
      this.clearing = clear(this.options, this.channel);
      this.channel = undefined;
    }
    if (!this.channel || this.spoiled) {
      this.opening ??= this.reopen().finally(() => {
        this.opening = undefined;
        this.pump();
      });
      return;
    }
    if (this.suspects.length > 0) {
      if (this.underWay.size === 0) this.send(this.channel, this.suspects.shift()!);
      return;
    }
    while (this.waiting.length > 0 && this.underWay.size < this.window) {
      this.send(this.channel, this.waiting.shift()!);
    }
  }

  private send(channel: Channel, job: Job): void {
    this.underWay.add(job);
    channel.run(job.program, job.slots).then(
      ({ end, outcomes, detail, log }) => {
        const result: ProgramResult = { end, outcomes, ...(detail && { detail }), ...(log && { log }) };
        this.settle(job, consistent(job.program, result));
      },
      (lost) => this.survive(channel, lost),
    );
  }

  private settle(job: Job, result: ProgramResult): void {
    this.underWay.delete(job);
    const seen = this.options.inspect?.(result) ?? result;
    if (seen !== result && !this.spoiled) {
      this.spoiled = true;
      const { faults = [], log = [] } = seen;
      this.options.onLoss?.({ end: 'fault', why: `the kernel reported ${faults[0]}`, programs: [job.program.id], log });
    }
    job.resolve(seen);
    this.pump();
  }

  /** The daemon is lost. Called for each program that was under way; the first call deals with all. */
  private survive(channel: Channel, lost: Lost): void {
    if (channel !== this.channel) return;
    this.channel = undefined;
    this.clearing = clear(this.options, channel);
    const jobs = [...this.underWay];
    this.underWay.clear();
    if (this.over) {
      for (const job of jobs) job.reject(this.over);
      return;
    }
    this.lose(lost, jobs);
    if (jobs.length === 1 && jobs[0]!.isSuspect) {
      const detail = `${this.options.subject} was lost with this program under way: ${lost.message}.`;
      this.settle(jobs[0]!, { end: lost.end, outcomes: [], detail, ...(lost.tail.length && { log: lost.tail }) });
    } else {
      for (const job of jobs) job.isSuspect = true;
      this.suspects.push(...jobs);
      this.pump();
    }
  }

  private lose({ end, message, tail }: Lost, jobs: readonly Job[]): void {
    this.options.onLoss?.({ end, why: message, programs: jobs.map(({ program }) => program.id), log: tail });
  }

  private async reopen(): Promise<void> {
    let last: unknown;
    await Promise.all([this.clearing, this.channel && clear(this.options, this.channel)]);
    this.channel = undefined;
    this.spoiled = false;
    const { restarts = atOnce } = this.options;
    const { signal } = this.stopping;
    for (const delay of restarts) {
      if (delay > 0) await setTimeout(delay, undefined, { signal }).catch(() => {});
      if (this.over) break;
      try {
        const { channel, description } = await open({ ...this.options, signal });
        if (JSON.stringify(description) !== JSON.stringify(this.description)) {
          await clear(this.options, channel);
          throw new Problem(
            `${this.options.place} describes itself differently after a restart; make its description constant while a run lasts.`,
          );
        }
        this.channel = channel;
        return;
      } catch (error) {
        last = error;
        if (error instanceof Problem) break;
      }
    }
    this.over ??= problem(this.options, last, `${restarts.length} times in a row`);
  }

  private giveUp(reason: Problem): void {
    this.over ??= reason;
    for (const job of [...this.waiting.splice(0), ...this.suspects.splice(0)]) job.reject(this.over);
  }
}

async function open(options: SessionOptions): Promise<{ channel: Channel; description: Description }> {
  // The schemas and their compiler are loaded when a daemon is reached, not when the command line is.
  const { Channel } = await import('./channel.ts');
  const { signal } = options;
  const given = new Problem(`${options.place}: starting it was given up.`);
  if (signal?.aborted) throw given;
  const channel = new Channel(await options.launch(), options.stallMs);
  const giveUp = (): void => void channel.stop(true);
  if (signal?.aborted) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const { name, version, ops, faults, environment } = await channel.describe(options.handshakeMs);
    return { channel, description: { name, version, ops, ...(faults && { faults }), environment } };
  } catch (error) {
    // Nothing of it is to be left when the user reads that it did not start.
    await clear(options, channel, true);
    throw signal?.aborted ? given : error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Ends a daemon, and says what of it could not be ended. */
async function clear(options: SessionOptions, channel: Channel, atOnce = false): Promise<void> {
  const left = await channel.stop(atOnce);
  if (left.length === 0) return;
  options.note?.(
    `${options.place}: left behind, because it runs as another user or hangs in the kernel: process ${left.join(', process ')}; end it by hand.`,
  );
}

function problem(options: SessionOptions, error: unknown, times = ''): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  const { tail = [], isBreach = false }: Partial<Lost> = error !== null && typeof error === 'object' ? error : {};
  const last = tail.slice(-problemLines).map((line) => `  ${line}`);
  const said = last.length > 0 ? `\nIt last wrote:\n${last.join('\n')}` : '';
  const sentence = `${options.place}: ${lower(options.subject)} ${options.failure ?? 'did not start'}${times && ` ${times}`}, because ${message}; ${options.remedy}.${said}`;
  return isBreach ? new NotTheProtocol(sentence, message) : new Problem(sentence);
}

/** A result with the wrong number of outcomes says nothing reliable about its program. */
function consistent(program: Program, result: ProgramResult): ProgramResult {
  const { length } = result.outcomes;
  const expected = program.ops.length;
  if (length === expected || (length < expected && result.end !== 'completed')) return result;
  const detail = `The target replied with ${length} outcomes for ${expected} ops.`;
  return { ...result, end: 'crashed', outcomes: result.outcomes.slice(0, expected), detail };
}

function lower(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}
