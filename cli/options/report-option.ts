import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { toJunit } from '../../reports/junit.ts';
import { type Summary, toText } from '../../reports/text.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { RecordCase } from '../../spec/uapi/vocabulary.ts';

/** What reports are made from. */
export interface Reportable extends Summary {
  /** All of them; only kept for formats that list each. */
  cases: readonly RecordCase[];
}

const formats: Record<string, (from: Reportable) => string> = {
  junit: ({ cases, result, replay }) => toJunit(cases, `${result.target} ${result.profile}`, replay),
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
    if (file !== undefined && !existsSync(dirname(file))) {
      throw new Problem(`--report ${option}: there is no folder ${dirname(file)}; make it first.`);
    }
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
        throw new Problem(
          `--report ${format}:${file}: cannot be written (${(error as NodeJS.ErrnoException).code}); name a file in a folder that exists.`,
        );
      }
    }
  }
}
