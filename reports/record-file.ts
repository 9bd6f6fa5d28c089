import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Problem } from '../spec/uapi/problem.ts';
import { complaint, validator } from '../spec/uapi/validator.ts';
import type {
  Environment,
  RecordCase,
  RecordFooter,
  RecordHeader,
  RecordLine,
  RecordMachine,
  RecordMissing,
} from '../spec/uapi/vocabulary.ts';

/** Writes a record line by line, so that a run that is killed leaves what it had. */
export class RecordFile {
  private readonly fd: number;
  private readonly file: string;

  /** Throws a Problem if the file cannot be made. */
  constructor(file: string) {
    this.file = file;
    try {
      this.fd = openSync(file, 'w');
    } catch (error) {
      throw new Problem(
        `--record ${file}: cannot be written (${(error as NodeJS.ErrnoException).code}); name a file in a folder that exists.`,
      );
    }
  }

  write(line: RecordLine): void {
    try {
      writeFileSync(this.fd, `${JSON.stringify(line)}\n`);
    } catch (error) {
      throw new Problem(
        `--record ${this.file}: cannot be written (${(error as NodeJS.ErrnoException).code}); make room and run again.`,
      );
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** A record as read back. */
export interface RunRecord {
  header: RecordHeader;
  /** Machines that were there, those that were not, and cases, in the order of the run. */
  body: (RecordMachine | RecordMissing | RecordCase)[];
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
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Problem(`${file}: cannot be read; name a file that run --record wrote.`);
  }
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
    if (footer) throw new Problem(`${place}: comes after the footer; two records need two files.`);
    if (line.kind === 'header' && header) throw new Problem(`${place}: a second header; two records need two files.`);
    if (line.kind === 'header') header = line;
    else if (line.kind === 'footer') footer = line;
    else body.push(line);
    if (line.kind === 'machine') {
      environments.set(line.environment.id, line.environment);
      targetVersion = line.targetVersion;
    }
    if (line.kind === 'case') {
      if (!environments.has(line.trace.environment)) {
        throw new Problem(
          `${place}: environment ${line.trace.environment} is not described before this case; add the line of its machine.`,
        );
      }
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
