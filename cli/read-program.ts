import { readFileSync } from 'node:fs';
import { checkedProgram, fromToken, isToken } from '../conformance/token.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { unknownName } from '../spec/uapi/unknown-name.ts';
import type { Program } from '../spec/uapi/vocabulary.ts';

/** The program of a token, or of a file that holds one as JSON. Throws a Problem. */
export function readProgram(what: string): Program {
  const [program, place] = isToken(what) ? [fromToken(what), 'the token'] : [fromFile(what), what];
  const unknown = unknownName(program);
  if (unknown !== undefined) throw new Problem(`${place}: ${unknown}; mend the name.`);
  return program;
}

function fromFile(file: string): Program {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Problem(
      `${file}: cannot be read; give the token of a failure (it starts with vc1.) or a file with a program.`,
    );
  }
  try {
    return checkedProgram(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Problem(`${file}: not JSON: ${error.message}`);
    throw error;
  }
}
