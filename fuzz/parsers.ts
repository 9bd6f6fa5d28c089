import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAnswer } from '../adapters/remote/messages.ts';
import { readPrograms } from '../cli/read-program.ts';
import { fromToken } from '../conformance/running/token.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import { readRecord } from '../reports/record-file.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { visible } from '../spec/uapi/visible.ts';

/** What reads a text from elsewhere. It takes it, or refuses it in its own way; anything else that is thrown is a bug. */
export interface Parser {
  /** The folder of its corpus. */
  name: string;
  /** Throws what is a bug; `scratch` is a file that it may write. */
  parse(text: string, scratch: string): void;
}

/** Runs a parser that refuses by a Problem of few visible lines. */
function refusing(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (visible(error.message).length > 10_000) throw new Error(`a message of ${error.message.length} characters`);
  }
}

/** All parsers of texts that others write, but for those in C. */
export const parsers: Parser[] = [
  {
    name: 'program',
    parse: (text, scratch) =>
      refusing(() => {
        writeFileSync(scratch, text);
        for (const { ops } of readPrograms(scratch)) for (const op of ops) describeOp(op, kindsOf(ops));
      }),
  },
  { name: 'token', parse: (text) => refusing(() => fromToken(text.trimEnd())) },
  {
    name: 'record',
    parse: (text, scratch) =>
      refusing(() => {
        writeFileSync(scratch, text);
        readRecord(scratch);
      }),
  },
  {
    name: 'answer',
    parse(text) {
      // A daemon is lost by an error of its own kind: what is wrong with the line, as a clause.
      try {
        parseAnswer(text);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('it sent ')) throw error;
      }
    },
  },
];

/** The files of a corpus, in order. */
export function corpus(name: string): { file: string; text: string }[] {
  const folder = join(packageRoot, 'fuzz/corpus', name);
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file: join(folder, file), text: readFileSync(join(folder, file), 'utf8') }));
}
