import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ErrorObject } from 'ajv/dist/2020.js';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { validator } from '../spec/uapi/validator.ts';
import type { Program } from '../spec/uapi/vocabulary.ts';

const PREFIX = 'vc1.';
const schemas = `${packageRoot}/spec/uapi/schema`;

/** One word that holds a whole program. */
export function toToken(program: Program): string {
  return PREFIX + deflateRawSync(JSON.stringify(program), { level: 9 }).toString('base64url');
}

/** The program of a token. Throws a Problem. */
export function fromToken(token: string): Program {
  try {
    if (!token.startsWith(PREFIX)) throw new Error('prefix');
    const program = JSON.parse(inflateRawSync(Buffer.from(token.slice(PREFIX.length), 'base64url')).toString());
    return checkedProgram(program, 'the token');
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(`the token is damaged; copy the whole word that starts with ${PREFIX} from the failure.`);
  }
}

/** A value that fits the schema of programs. Throws a Problem that names the place. */
export function checkedProgram(value: unknown, place: string): Program {
  const validate = validator(schemas, 'program.schema.json');
  if (!validate(value)) {
    const { where, what } = sharpen(value, validate.errors![0]!);
    throw new Problem(`${place}: ${where} ${what}; mend it to fit spec/uapi/schema/program.schema.json.`);
  }
  return value as Program;
}

/** Of an op that fits no form, what its own form says is wrong. */
function sharpen(value: unknown, { instancePath, message = '' }: ErrorObject): { where: string; what: string } {
  const index = /^\/ops\/(\d+)/.exec(instancePath)?.[1];
  const op = index === undefined ? undefined : (value as { ops: { op?: unknown }[] }).ops[Number(index)];
  if (!op) return { where: instancePath || '/', what: message };
  const form = typeof op.op === 'string' ? validator(schemas, `program.schema.json#/$defs/${op.op}`) : undefined;
  if (!form) return { where: `/ops/${index}/op`, what: `${JSON.stringify(op.op)} is no op` };
  form(op);
  const error = form.errors?.[0];
  return { where: `/ops/${index}${error?.instancePath ?? ''}`, what: `(${op.op}) ${error?.message ?? message}` };
}
