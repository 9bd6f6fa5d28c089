import { writeFileSync } from 'node:fs';
import { toJunit } from '../../reports/junit.ts';
import { checkOutput, outputProblem } from '../../reports/output.ts';
import { type Summary, toText } from '../../reports/text.ts';
import { Problem } from '../../spec/uapi/problem.ts';
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
  json: ({ result }) => `${JSON.stringify(result, null, 2)}\n`,
  text: toText,
};

/** FORMAT[:FILE] options, checked before anything runs. Throws a Problem. */
export function parseReports(options: readonly string[] = []): { format: string; file: string | undefined }[] {
  return options.map((option) => {
    const colon = option.indexOf(':');
    const [format, file] = colon < 0 ? [option, undefined] : [option.slice(0, colon), option.slice(colon + 1)];
    if (!Object.hasOwn(formats, format))
      throw new Problem(`--report ${option}: unknown format; known are ${Object.keys(formats).join(', ')}.`);
    if (file !== undefined) checkOutput(`--report ${option}`, file);
    return { format, file };
  });
}

/** Writes the reports; one without a file goes to standard output. */
export function writeReports(reports: ReturnType<typeof parseReports>, from: Reportable): void {
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
