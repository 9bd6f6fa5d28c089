import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { validator } from '../../spec/uapi/validator.ts';
import type { DescriptionAnswer, ErrorAnswer, Op, Outcome, ResultAnswer } from '../../spec/uapi/vocabulary.ts';

type Answer = DescriptionAnswer | ResultAnswer | ErrorAnswer;

/** Both builds of the daemon, which the set-up of the tests keeps current; `missing` says why one is not there. */
export function builtDaemons(): { name: string; binary: string; missing: string | undefined }[] {
  return ['vfio-conformd', 'vfio-conformd-sanitized'].map((name) => {
    const binary = join(packageRoot, 'dist/native', name);
    return {
      name,
      binary,
      missing: existsSync(binary) ? undefined : `dist/native/${name} is not built: no C compiler`,
    };
  });
}

/** A running daemon, to which a test speaks as it likes. Every answer is checked against the schema. */
export class TestDaemon {
  readonly process: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private readonly gone: Promise<number | null>;
  private id = 0;
  private stderr = '';

  constructor(binary: string, ...options: string[]) {
    this.process = spawn(binary, options);
    this.gone = new Promise((resolve) => this.process.on('exit', resolve));
    this.process.stderr.on('data', (text) => {
      this.stderr += text;
    });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  send(line: string): void {
    this.process.stdin.write(`${line}\n`);
  }

  async next(): Promise<Answer> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`the daemon ended: ${this.stderr}`);
    const answer: Answer = JSON.parse(value);
    const valid = validator(`protocol.schema.json#/$defs/${answer.type}`);
    if (!valid(answer)) throw new Error(`${JSON.stringify(valid.errors)} in ${value}`);
    return answer;
  }

  ask(message: unknown): Promise<Answer> {
    this.send(JSON.stringify(message));
    return this.next();
  }

  /** Sends a program without slots; its ops may be malformed. */
  start(...ops: unknown[]): void {
    const program = { id: 'test', topology: { slots: {} }, ops };
    this.send(JSON.stringify({ type: 'run', id: this.id++, slots: {}, program }));
  }

  async run(...ops: Op[]): Promise<ResultAnswer> {
    this.start(...ops);
    const answer = await this.next();
    if (answer.type !== 'result') throw new Error(JSON.stringify(answer));
    return answer;
  }

  /** Outcomes of a program that has to complete. */
  async outcomes(...ops: Op[]): Promise<Outcome[]> {
    const { end, detail, outcomes } = await this.run(...ops);
    if (end !== 'completed' || outcomes.length !== ops.length)
      throw new Error(`${end} after ${outcomes.length} ops: ${detail}`);
    return outcomes;
  }

  /** Ends its input; gives its exit status. */
  stop(): Promise<number | null> {
    this.process.stdin.end();
    return this.gone;
  }
}
