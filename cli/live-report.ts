import type { Case } from '../conformance/running/run.ts';
import type { Paint } from '../reports/paint.ts';
import { machineText, verdictText } from '../reports/text.ts';
import type { Description, Loss } from '../spec/uapi/adapter.ts';
import { visible } from '../spec/uapi/visible.ts';
import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import type { AssessedListener } from './assessed-run.ts';
import type { Verbosity } from './options/verbosity.ts';
import { paintFor } from './paint-for.ts';
import { Progress } from './progress.ts';

/**
 * What people are told on standard error while a run goes on: how far it is, losses, and the first failure of each kind, or if
 * asked for every machine and program. Quiet: nothing, since the summary has what failed.
 */
export class LiveReport implements AssessedListener {
  private readonly stream = process.stderr;
  private readonly paint: Paint = paintFor(this.stream);
  private readonly progress: Progress | undefined;
  private readonly kinds = new Set<string>();
  private programs = 0;

  constructor(private readonly verbosity: Verbosity) {
    this.progress = verbosity === 'normal' ? new Progress(this.stream) : undefined;
  }

  onStart(_: unknown, index: number, of: number): void {
    this.progress?.start(index, of);
  }

  onMaking(programs: number): void {
    this.progress?.making(programs);
  }

  onSession({ name, version, environment }: Description, cases: readonly Case[]): void {
    this.progress?.session(cases.length);
    if (this.verbosity === 'verbose') this.say(machineText(`${name} ${version}`, environment, cases.length));
  }

  onLoss({ why, programs }: Loss): void {
    if (this.verbosity === 'quiet') return;
    const others = programs.length > 1 ? ` and ${programs.length - 1} more` : '';
    const underWay = programs.length === 0 ? '' : `, with ${programs[0]}${others} under way`;
    this.say(`${this.paint('bad', 'LOST')} after ${this.programs} programs: ${visible(`${why}${underWay}`)}`);
  }

  onCase(line: RecordCase, failures: number): void {
    this.programs++;
    this.progress?.tick(failures);
    if (this.verbosity === 'verbose') this.say(`${visible(line.trace.program.id)}: ${verdictText(line, this.paint)}`);
    else if (this.verbosity === 'normal' && line.failure) this.tellFirst(line, line.failure.signature.rule);
  }

  /** Writes a line without getting into the one that says how far it is. */
  say(line: string): void {
    if (this.progress) this.progress.say(line);
    else this.stream.write(`${line}\n`);
  }

  /** Nothing more goes on. */
  stop(): void {
    this.progress?.stop();
  }

  /** A kind of failures is told once; the summary counts them. */
  private tellFirst({ trace }: RecordCase, rule: string): void {
    if (this.kinds.has(rule)) return;
    this.kinds.add(rule);
    this.say(`${this.paint('bad', 'FAIL')} ${this.paint('name', rule)}: ${visible(trace.program.id)}`);
  }
}
