import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import type { Document } from 'yaml';
import { packageRoot } from '../uapi/package-root.ts';
import { Problem } from '../uapi/problem.ts';
import { schemaCompiler } from '../uapi/schema-compiler.ts';

/** A YAML file that fits its schema, and where in it each value stands. */
export interface YamlFile<T> {
  file: string;
  value: T;
  /** `file:line:column` of the value at a path such as [3, 'steps', 0, 'refuse']. */
  at(path: readonly (string | number)[]): string;
}

let compiler: ReturnType<typeof schemaCompiler> | undefined;

/**
 * Reads a YAML file and checks it against a JSON Schema of `spec/contract/schema/`.
 * Throws a Problem with file, line, column and remedy.
 */
export function readYaml<T>(file: string, schema: string): YamlFile<T> {
  const shown = relative(process.cwd(), file) || file;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Problem(`${shown}: cannot be read; a folder given with --spec needs the same files as spec/contract/.`);
  }
  // Only here: commands that take the contract as it was built do without.
  const { isNode, LineCounter, parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${shown}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error) throw new Problem(`${position(error.pos[0])}: not YAML: ${error.message}; mend the syntax.`);
  const at = (path: readonly (string | number)[]): string => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return position(node.range[0]);
    }
    return position(0);
  };
  const value = toValue<T>(document, shown);
  compiler ??= schemaCompiler(`${packageRoot}/spec/contract/schema`);
  const validate = compiler.getSchema(schema)!;
  if (!validate(value)) {
    // Where several forms are possible, each says what it lacks; only that none fits is true of the value.
    const first = validate.errors!.find(({ keyword }) => keyword === 'oneOf') ?? validate.errors![0]!;
    const path = [
      ...first.instancePath.split('/').slice(1).map(step),
      ...[first.params.additionalProperty ?? []].flat(),
    ];
    const allowed = first.keyword === 'enum' ? `: ${first.params.allowedValues.join(', ')}` : '';
    throw new Problem(
      `${at(path)}: /${path.join('/')} ${first.message}${allowed}; mend it to fit spec/contract/schema/${schema}.`,
    );
  }
  return { file: shown, value, at };
}

function toValue<T>(document: Document, shown: string): T {
  try {
    return document.toJS() as T;
  } catch (error) {
    throw new Problem(
      `${shown}: not YAML: ${(error as Error).message.split('\n')[0]}; write out what the alias stands for.`,
    );
  }
}

function step(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~');
}
