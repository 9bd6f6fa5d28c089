import { limits } from '../../spec/uapi/limits.ts';
import type { DescriptionAnswer, Program, ResultAnswer, RunRequest } from '../../spec/uapi/vocabulary.ts';
import { LineCutter } from './lines.ts';
import type { Gone, Link } from './link.ts';
import { parseAnswer } from './messages.ts';

/** How long a daemon that closed its output may take to say, by ending, why. */
const farewellMs = 1000;
/** How long a daemon may take to end after the stop message. */
const stopMs = 3000;

/**
 * The daemon is lost, and with it the programs under way. The message is a clause that says why. `lost` says that this has
 * nothing to do with the programs.
 */
export class Lost extends Error {
  readonly end: Gone['end'] | 'hung';
  /** What the daemon, or the kernel under it, wrote last. */
  readonly tail: string[];
  /** It said something that the protocol does not allow. */
  readonly isBreach: boolean;

  constructor(end: Lost['end'], message: string, tail: string[], isBreach: boolean) {
    super(message);
    this.end = end;
    this.tail = tail;
    this.isBreach = isBreach;
  }
}

/** A daemon broke the protocol in a way that no program is to blame for. */
class BlamelessBreach extends Error {}

interface Waiter {
  answer(result: ResultAnswer): void;
  fail(lost: Lost): void;
}

/** One connection to a daemon: JSON Lines over a link, requests pipelined, answers in any order. */
export class Channel {
  private readonly link: Link;
  private readonly stallMs: number;
  private readonly waiters = new Map<number, Waiter>();
  private readonly cutter = new LineCutter(limits.line);
  private description: { resolve(answer: DescriptionAnswer): void; reject(lost: Lost): void } | undefined;
  private watchdog: NodeJS.Timeout | undefined;
  private next = 0;
  private end: Lost | undefined;

  /** Why the daemon is gone and takes no programs any more; undefined while it is there. */
  get lost(): Lost | undefined {
    return this.end;
  }

  /** `stallMs`: while something is asked for, the daemon is given up when it says nothing for that long. */
  constructor(link: Link, stallMs: number) {
    this.link = link;
    this.stallMs = stallMs;
    link.input.setEncoding('utf8');
    link.input.on('data', (piece: string) => this.take(piece));
    link.input.on('end', () => this.closed());
    link.input.on('error', () => this.closed());
    // Writing to a daemon that is gone fails; that it is gone shows elsewhere.
    link.output.on('error', () => {});
    void link.gone.then(({ end, why }) => setImmediate(() => this.lose(end, why)));
  }

  /** Asks the daemon what it is. Rejects with Lost. */
  describe(limitMs: number): Promise<DescriptionAnswer> {
    return new Promise<DescriptionAnswer>((resolve, reject) => {
      if (this.lost) return reject(this.lost);
      const timer = setTimeout(
        () => this.lose('hung', `it did not say what it is within ${limitMs / 1000} s`),
        limitMs,
      );
      this.description = {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (lost) => {
          clearTimeout(timer);
          reject(lost);
        },
      };
      this.send({ type: 'describe', protocol: 1 });
    });
  }

  /** Has a program run. Rejects with Lost. */
  run(program: Program, slots: Record<string, string>): Promise<ResultAnswer> {
    return new Promise<ResultAnswer>((resolve, reject) => {
      if (this.lost) return reject(this.lost);
      const id = this.next++;
      if (this.waiters.size === 0) this.watch();
      this.waiters.set(id, { answer: resolve, fail: reject });
      const request: RunRequest = { type: 'run', id, slots, program };
      this.send(request);
    });
  }

  /** Lets the daemon end, unless that is to be at once; ends it when it does not. Gives what could not be ended. */
  async stop(atOnce = false): Promise<readonly number[]> {
    if (!this.lost && !atOnce) {
      this.send({ type: 'stop' });
      this.link.output.end();
      await within(this.link.gone, stopMs);
    }
    this.lose('lost', 'it was stopped');
    await this.link.end();
    return this.link.left();
  }

  private send(message: object): void {
    this.link.output.write(`${JSON.stringify(message)}\n`);
  }

  private take(piece: string): void {
    if (this.lost) return;
    try {
      for (const line of this.cutter.cut(piece)) this.hear(line);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.lose(error instanceof BlamelessBreach ? 'lost' : 'crashed', message, true);
    }
  }

  private hear(line: string): void {
    const answer = parseAnswer(line);
    this.watchdog?.refresh();
    if (answer.type === 'description') {
      if (!this.description) throw new BlamelessBreach('it described itself without being asked');
      this.description.resolve(answer);
      this.description = undefined;
    } else if (answer.type === 'result') {
      this.waiter(answer.id).answer(answer);
    } else if (answer.id === undefined) {
      throw new BlamelessBreach(`it did not understand a request: ${answer.message}`);
    } else {
      const detail = `The target did not understand the program: ${answer.message}`;
      this.waiter(answer.id).answer({ type: 'result', id: answer.id, end: 'crashed', outcomes: [], detail });
    }
  }

  private waiter(id: number): Waiter {
    const waiter = this.waiters.get(id);
    if (!waiter) {
      throw new BlamelessBreach(
        id < this.next ? `it replied to request ${id} twice` : `it replied to request ${id}, which there is not`,
      );
    }
    this.waiters.delete(id);
    if (this.waiters.size === 0) this.unwatch();
    return waiter;
  }

  private closed(): void {
    void within(this.link.gone, farewellMs).then((gone) =>
      this.lose(gone?.end ?? 'crashed', gone?.why ?? 'it closed the connection'),
    );
  }

  private watch(): void {
    this.watchdog = setTimeout(() => this.lose('hung', `it did not reply for ${this.stallMs / 1000} s`), this.stallMs);
  }

  private unwatch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = undefined;
  }

  private lose(end: Lost['end'], why: string, isBreach = false): void {
    if (this.end) return;
    const lost = new Lost(end, why, this.link.tail(), isBreach);
    this.end = lost;
    this.unwatch();
    void this.link.end();
    this.description?.reject(lost);
    for (const waiter of this.waiters.values()) waiter.fail(lost);
    this.waiters.clear();
  }
}

/** What the promise gives, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, limitMs, undefined);
  });
  const first = await Promise.race([promise, late]);
  clearTimeout(timer);
  return first;
}
