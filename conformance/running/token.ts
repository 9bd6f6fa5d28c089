import { deflateRawSync, inflateRawSync } from 'node:zlib';
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
    const program = JSON.parse(inflateRawSync(Buffer.from(token.slice(PREFIX.length), 'base64url')).toString());
    return checkedProgram(program, 'the token');
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(`the token is damaged; copy the whole word that starts with ${PREFIX} from the failure.`);
  }
}

/** A value that fits the schema of programs. Throws a Problem that names the place. */
export function checkedProgram(value: unknown, place: string): Program {
  const validate = validator('program.schema.json');
  if (!validate(value)) {
    const { place: at, clause } = complaint(validate);
    throw new Problem(`${place}: ${at} ${clause}; mend it to fit spec/uapi/schema/program.schema.json.`);
  }
  return value as Program;
}
