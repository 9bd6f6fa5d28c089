import { writeFileSync } from 'node:fs';
import { toJunit } from '../../reports/junit.ts';
import { checkOutput, outputProblem } from '../../reports/output.ts';
import { type Summary, toText } from '../../reports/text.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { visibleJson } from '../../spec/uapi/visible.ts';
import type { RecordCase } from '../../spec/uapi/vocabulary.ts';

/** What reports are made from. */
export interface Reportable extends Summary {
  /** All of them; only kept for formats that list each. */
  cases: readonly RecordCase[];
  /** Whether a loss that nothing explains is put up with. */
  allowLosses?: boolean;
}

const formats: Record<string, (from: Reportable) => string> = {
  junit: ({ cases, result, allowLosses, replay }) => toJunit(cases, result, allowLosses ?? false, replay),
  json: ({ result }) => `${visibleJson(result, 2)}\n`,
  text: toText,
};

/** A report that was asked for; without a file it goes to standard output. */
export interface RequestedReport {
  format: string;
  file: string | undefined;
}

/** FORMAT[:FILE] options, checked before anything runs; `json`: standard output is taken. Throws a Problem. */
export function parseReports(options: readonly string[] = [], json = false): RequestedReport[] {
  const printed = options.filter((option) => !option.includes(':'));
  if (printed.length + Number(json) > 1)
    throw new Problem(
      `--report ${printed.at(-1)}: standard output is for one thing, and ${json ? '--json' : `--report ${printed[0]}`} asks for it too; name a file, as in --report ${printed.at(-1)}:FILE.`,
    );
  return options.map((option) => {
    const colon = option.indexOf(':');
    const [format, file] = colon < 0 ? [option, undefined] : [option.slice(0, colon), option.slice(colon + 1)];
    if (!Object.hasOwn(formats, format))
      throw new Problem(`--report ${option}: unknown format; known are ${Object.keys(formats).join(', ')}.`);
    if (file === '') throw new Problem(`--report ${option}: name a file after the colon, or leave the colon out.`);
    if (file !== undefined) checkOutput(`--report ${option}`, file);
    return { format, file };
  });
}

/** Writes the reports; one without a file goes to standard output. */
export function writeReports(reports: readonly RequestedReport[], from: Reportable): void {
  for (const { format, file } of reports) {
    const text = formats[format]!(from);
    if (file === undefined) process.stdout.write(text);
    else {
      try {
        writeFileSync(file, text);
      } catch (error) {
        throw outputProblem(`--report ${format}:${file}`, file, error);
      }
    }
  }
}
