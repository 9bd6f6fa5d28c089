import { checkedProgram, fromToken, isToken } from '../conformance/running/token.ts';
import { limits, refuseLongText } from '../spec/uapi/limits.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { readText } from '../spec/uapi/read-text.ts';
import { shellWord } from '../spec/uapi/shell-words.ts';
import { unknownName } from '../spec/uapi/unknown-name.ts';
import type { Program } from '../spec/uapi/vocabulary.ts';

/** The program of a token, or of a file that holds one as JSON. Throws a Problem. */
export function readProgram(what: string): Program {
  const [program, ...others] = readPrograms(what);
  if (others.length > 0) throw new Problem(`${what}: holds ${others.length + 1} programs; give a file with one.`);
  return program!;
}

/** The program of a token, or all programs of a file that holds one as JSON, or one a line. Throws a Problem. */
export function readPrograms(what: string): Program[] {
  const found = isToken(what) ? [{ program: fromToken(what), place: 'the token' }] : fromFile(what);
  for (const { program, place } of found) {
    const unknown = unknownName(program);
    if (unknown !== undefined) throw new Problem(`${place}: ${unknown}; mend the name.`);
  }
  return found.map(({ program }) => program);
}

function fromFile(file: string): { program: Program; place: string }[] {
  const text = readText(file, 'give the token of a failure (it starts with vc1.) or a file with programs');
  if (text.trim() === '')
    throw new Problem(
      `${file}: holds no program; write some with vfio-conform programs --only PATTERN > ${shellWord(file)}.`,
    );
  const whole: ReturnType<typeof parsed> = text.length > limits.program ? {} : parsed(text);
  if (whole.value !== undefined) return [{ program: checkedProgram(whole.value, file), place: file }];
  const lines = text.split('\n');
  // A program that is spread over lines and is no JSON is reported as a whole.
  refuseLongText(lines[0]!, limits.program, `${file}:1`, 'a program');
  if (parsed(lines[0]!).value === undefined) throw new Problem(`${file}: not JSON: ${whole.error ?? 'its first line'}`);
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const place = `${file}:${i + 1}`;
    refuseLongText(line, limits.program, place, 'a program');
    const { value, error } = parsed(line);
    if (value === undefined) throw new Problem(`${place}: not JSON: ${error}`);
    return [{ program: checkedProgram(value, place), place }];
  });
}

function parsed(text: string): { value?: unknown; error?: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
