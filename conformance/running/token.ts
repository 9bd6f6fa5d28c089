import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { limits, tooMuch } from '../../spec/uapi/limits.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { complaint, validator } from '../../spec/uapi/validator.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';

const PREFIX = 'vc1.';

/** One word that holds a whole program. */
export function toToken(program: Program): string {
  return PREFIX + deflateRawSync(JSON.stringify(program), { level: 9 }).toString('base64url');
}

/** Whether a word is meant as a token. */
export const isToken = (word: string): boolean => word.startsWith(PREFIX);

/** The program of a token. Throws a Problem. */
export function fromToken(token: string): Program {
  try {
    if (!isToken(token)) throw new Error('prefix');
    const packed = Buffer.from(token.slice(PREFIX.length), 'base64url');
    const program = JSON.parse(inflateRawSync(packed, { maxOutputLength: limits.program }).toString());
    return checkedProgram(program, 'the token');
  } catch (error) {
    if (error instanceof Problem) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem(
        `the token: holds more than the ${limits.program} characters that a program may have; make it shorter.`,
      );
    throw new Problem(`the token is damaged; copy the whole word that starts with ${PREFIX} from the failure.`);
  }
}

/** A value that fits the schema of programs and its limits. Throws a Problem that names the place. */
export function checkedProgram(value: unknown, place: string): Program {
  const validate = validator('program.schema.json');
  if (!validate(value)) {
    const { place: at, clause } = complaint(validate);
    throw new Problem(`${place}: ${at} ${clause}; mend it to fit spec/uapi/schema/program.schema.json.`);
  }
  const excess = tooMuch(value as Program);
  if (excess !== undefined) throw new Problem(`${place}: ${excess}; make it smaller.`);
  return value as Program;
}
