/** Where progress goes, as far as it matters here. */
export type ProgressStream = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;

/** What a run is doing. */
type Phase =
  | { kind: 'waiting' }
  | { kind: 'starting'; since: number }
  | { kind: 'making'; programs: number }
  | { kind: 'running'; since: number; done: number; total: number };

/** Milliseconds between two looks at it: on a terminal, and where each is a line of its own. */
const every = { terminal: 100, line: 5000 };

/** How far a run is: one line that is written anew on a terminal, elsewhere a plain line every few seconds. */
export class Progress {
  private phase: Phase = { kind: 'waiting' };
  private machine = '';
  private failed = 0;
  private shown = '';
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly stream: ProgressStream) {
    this.timer = setInterval(() => this.show(this.text()), stream.isTTY ? every.terminal : every.line);
    // A run that has ended does not wait for it.
    this.timer.unref();
  }

  /** A machine is being started, the `index`th (from 1) of `of`. */
  start(index: number, of: number): void {
    this.machine = `machine ${index} of ${of}`;
    this.phase = { kind: 'starting', since: Date.now() };
  }

  /** So many programs were made for it so far. */
  making(programs: number): void {
    this.phase = { kind: 'making', programs };
  }

  /** It is up, with so many programs to run on it. */
  session(programs: number): void {
    this.phase = { kind: 'running', since: Date.now(), done: 0, total: programs };
  }

  /** One more program ran; so many have failed on all machines. */
  tick(failed: number): void {
    this.failed = failed;
    if (this.phase.kind === 'running') this.phase.done++;
  }

  /** Writes a line that stays. */
  say(line: string): void {
    this.clear();
    this.stream.write(`${line}\n`);
  }

  /** Takes away what does not stay, for good. */
  stop(): void {
    clearInterval(this.timer);
    this.clear();
  }

  private clear(): void {
    if (this.stream.isTTY) this.show('');
  }

  private show(text: string): void {
    // In the last column a terminal may wrap.
    const fitting = this.stream.isTTY ? text.slice(0, (this.stream.columns || 80) - 1) : text;
    if (fitting === this.shown) return;
    this.shown = fitting;
    this.stream.write(this.stream.isTTY ? `\r\x1b[K${fitting}` : `${fitting}\n`);
  }

  /** The most telling first, since the end may not fit. */
  private text(): string {
    const failed = this.failed > 0 ? `, ${this.failed} failed` : '';
    switch (this.phase.kind) {
      case 'waiting':
        return '';
      case 'starting':
        return `${this.machine}: starting, ${Math.floor((Date.now() - this.phase.since) / 1000)} s${failed}`;
      case 'making':
        return `${this.machine}: ${this.phase.programs} programs made${failed}`;
      case 'running': {
        const { done, total } = this.phase;
        return `${this.machine}: ${done} of ${total} programs${failed}${timeLeft(this.phase)}`;
      }
      default:
        return this.phase satisfies never;
    }
  }
}

/** By the rate of the programs of this machine alone: starting it is over, and other machines are not like it. */
function timeLeft({ since, done, total }: Phase & { kind: 'running' }): string {
  const seconds = (Date.now() - since) / 1000;
  if (done === 0 || seconds < 1) return '';
  const rate = done / seconds;
  return `, ${Math.ceil((total - done) / rate)} s left, ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`;
}
