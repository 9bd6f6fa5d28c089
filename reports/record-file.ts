import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { missingModel } from '../spec/uapi/emulated-machine.ts';
import { limits, refuseLongText, tooMuch } from '../spec/uapi/limits.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { readText } from '../spec/uapi/read-text.ts';
import { complaint, validator } from '../spec/uapi/validator.ts';
import type {
  Environment,
  RecordCase,
  RecordFooter,
  RecordHeader,
  RecordLine,
  RecordLoss,
  RecordMachine,
  RecordMissing,
} from '../spec/uapi/vocabulary.ts';
import { checkOutput, outputProblem } from './output.ts';
import { RecordLock } from './record-lock.ts';

/**
 * Writes a record line by line, so that a run that is killed leaves what it had. Until the first case it is written beside
 * its place: an older record is lost only to one that has something to say.
 */
export class RecordFile {
  private readonly file: string;
  private readonly lock: RecordLock | undefined;
  private readonly aside: string;
  private fd: number;
  private placed: boolean;
  /** Bytes of whole lines. */
  private written = 0;

  /**
   * Nothing is written before the first line. `force`: a complete record that is there already is given up. Throws a Problem
   * if the file cannot be made, is a complete record or something else than a record, or if another run writes it.
   */
  constructor(file: string, force = false) {
    this.file = file;
    checkOutput(`--record ${file}`, file);
    // What is no file, such as a pipe, has no older contents and can have no second run behind it.
    this.placed = existsSync(file) && !statSync(file).isFile();
    this.lock = this.placed ? undefined : RecordLock.take(file);
    try {
      if (!this.placed && !force) refuseToOverwrite(file);
      this.aside = `${file}.part`;
      this.fd = openSync(this.placed ? file : this.aside, 'w');
    } catch (error) {
      this.lock?.release();
      throw error instanceof Problem ? error : outputProblem(`--record ${file}`, file, error);
    }
  }

  /** Throws a Problem when the disk is full, and for its like. */
  write(line: RecordLine): void {
    const text = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      writeFileSync(this.fd, text);
      this.written += text.length;
      if (hasSomethingToSay(line) && !this.placed) this.place();
    } catch (error) {
      this.cutUnfinishedLine();
      throw outputProblem(`--record ${this.file}`, this.file, error);
    }
  }

  /** What is written next must not come in the middle of a line. */
  private cutUnfinishedLine(): void {
    try {
      ftruncateSync(this.fd, this.written);
    } catch {
      // It is no file; who reads it sees a line that was cut off.
    }
  }

  /** Ends the record where it is. One without a case leaves what was there before, unless there was nothing; one without a line leaves nothing. */
  close(): void {
    closeSync(this.fd);
    if (!this.placed) {
      if (existsSync(this.file) || this.written === 0) rmSync(this.aside, { force: true });
      else this.place();
    }
    this.lock?.release();
  }

  private place(): void {
    renameSync(this.aside, this.file);
    this.placed = true;
  }
}

/** A case, or that everything was run and there was none. */
const hasSomethingToSay = (line: RecordLine): boolean =>
  line.kind === 'case' || (line.kind === 'footer' && line.complete);

/** Throws a Problem for a complete record, and for what is no record. */
function refuseToOverwrite(file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const [first, last] = endsOf(file);
  if (!first.startsWith('{"kind":"header"'))
    throw new Problem(`--record ${file}: holds something else than a record; name another file, or add --force.`);
  if (last.startsWith('{"kind":"footer"') && (JSON.parse(last) as RecordFooter).complete)
    throw new Problem(`--record ${file}: holds the complete record of a run; name another file, or add --force.`);
}

/** The longest footer that is looked for: its groups are at most forty. */
const longestFooter = 1 << 20;

/** The start of a file, and its last line if that is whole. */
function endsOf(file: string): [string, string] {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const read = (at: number, length: number): string => {
      const bytes = Buffer.alloc(length);
      return bytes.toString('utf8', 0, readSync(fd, bytes, 0, length, at));
    };
    const length = Math.min(size, longestFooter);
    const lines = read(size - length, length).split('\n');
    return [read(0, 64), lines.at(-1) === '' ? lines.at(-2)! : ''];
  } finally {
    closeSync(fd);
  }
}

/** A record as read back. */
export interface RunRecord {
  header: RecordHeader;
  /** Machines that were there, those that were not, cases and losses, in the order of the run. */
  body: (RecordMachine | RecordMissing | RecordCase | RecordLoss)[];
  /** By the name that the target gives them. */
  environments: Map<string, Environment>;
  /** Name and version of what ran; empty if the run was cut off before it said so. */
  targetVersion: string;
  cases: RecordCase[];
  /** Absent: the run was cut off. */
  footer: RecordFooter | undefined;
  /** What is wrong with the end of the file, in one sentence. */
  incomplete: string | undefined;
}

/** Reads a record or a trace file. A last line that was cut off is left out and reported; anything else malformed throws a Problem. */
export function readRecord(file: string): RunRecord {
  const text = readText(file, 'name a file that run --record wrote');
  const lines = text.split('\n');
  const cut = lines.pop() !== '';
  if (cut) lines.push(text.slice(text.lastIndexOf('\n') + 1));
  const validate = validator('record.schema.json');
  const body: RunRecord['body'] = [];
  const environments = new Map<string, Environment>();
  const cases: RecordCase[] = [];
  let targetVersion = '';
  let header: RecordHeader | undefined;
  let footer: RecordFooter | undefined;
  let incomplete: string | undefined;
  lines.forEach((raw, i) => {
    const place = `${file}:${i + 1}`;
    let line: RecordLine;
    refuseLongText(raw, limits.recordLine, place, 'a line');
    try {
      line = JSON.parse(raw);
    } catch {
      if (cut && i === lines.length - 1) {
        incomplete = `the record is incomplete: it was cut off in line ${i + 1}`;
        return;
      }
      throw new Problem(`${place}: not a line of JSON; a record has one object a line.`);
    }
    if (i === 0 && isOfAnotherFormat(line))
      throw new Problem(
        `${place}: a record of format ${(line as { format: unknown }).format}; this version reads format ${FORMAT}, so run again to make one.`,
      );
    if (!validate(line)) {
      const { place: at, clause } = complaint(validate);
      throw new Problem(`${place}: ${at} ${clause}; mend it to fit spec/uapi/schema/record.schema.json.`);
    }
    const excess = line.kind === 'case' ? tooMuch(line.trace.program) : undefined;
    if (excess !== undefined) throw new Problem(`${place}: /trace/program${excess}; make it smaller.`);
    if (footer) throw new Problem(`${place}: comes after the footer; two records need two files.`);
    if (line.kind === 'header' && header) throw new Problem(`${place}: a second header; two records need two files.`);
    if (line.kind === 'header') header = line;
    else if (line.kind === 'footer') footer = line;
    else body.push(line);
    if (line.kind === 'machine') {
      const missing = missingModel(line.environment);
      if (missing) throw new Problem(`${place}: /environment${missing.place} ${missing.clause}; add it there.`);
      environments.set(line.environment.id, line.environment);
      targetVersion = line.targetVersion;
    }
    if (line.kind === 'case') {
      if (!environments.has(line.trace.environment)) {
        throw new Problem(
          `${place}: environment ${line.trace.environment} is not described before this case; add the line of its machine.`,
        );
      }
      const { slots } = line.trace.program.topology;
      const missing = missingModel({ ...environments.get(line.trace.environment)!, slots });
      if (missing)
        throw new Problem(
          `${place}: /trace/program/topology${missing.place} ${missing.clause}; add it to the environment.`,
        );
      cases.push(line);
    }
  });
  if (!header) throw new Problem(`${file}: has no header line; a record starts with {"kind":"header",...}.`);
  incomplete ??= whatIsMissing(footer, cases.length);
  return { header, body, environments, targetVersion, cases, footer, incomplete };
}

/** The format of records that this version writes and reads. */
export const FORMAT = 2;

function isOfAnotherFormat(line: unknown): boolean {
  if (typeof line !== 'object' || line === null) return false;
  const { kind, format } = line as { kind?: unknown; format?: unknown };
  return kind === 'header' && typeof format === 'number' && format !== FORMAT;
}

function whatIsMissing(footer: RecordFooter | undefined, cases: number): string | undefined {
  if (footer === undefined) return 'the record is incomplete: it has no footer';
  if (footer.lost !== undefined) return `the record is incomplete: the target was lost (${footer.lost})`;
  if (!footer.complete) return 'the record is incomplete: the run was cut off';
  if (footer.cases !== cases) return `the record is incomplete: its footer counts ${footer.cases} cases`;
  return undefined;
}
