import { createRequire } from 'node:module';
import type { ValidateFunction } from 'ajv';
import { packageRoot } from './package-root.ts';
import { Problem } from './problem.ts';

const require = createRequire(import.meta.url);
const modules = new Map<string, Record<string, ValidateFunction>>();

/**
 * The JSON Schema `name` of `spec/uapi/schema/`, such as `program.schema.json` or `trace.schema.json#/$defs/end`, as compiled
 * when the package was built. Throws a Problem if it was not.
 */
export function validator(name: string): ValidateFunction {
  const file = `dist/validators/${name.split('.')[0]}.cjs`;
  let validators = modules.get(file);
  if (!validators) {
    validators = read(file);
    modules.set(file, validators);
  }
  return validators[name]!;
}

function read(file: string): Record<string, ValidateFunction> {
  try {
    return require(`${packageRoot}/${file}`);
  } catch {
    throw new Problem(`${file}: cannot be read; run npm run build.`);
  }
}

/** What the last value that did not fit lacks: the place, as a JSON pointer, and a clause about it. */
export function complaint({ errors }: ValidateFunction): { place: string; clause: string } {
  const all = errors ?? [];
  // Of several forms the one that fits farthest is meant; a form of another type is not.
  const depth = Math.max(...all.map(({ instancePath }) => steps(instancePath)));
  const deepest = all.filter(({ instancePath }) => steps(instancePath) === depth);
  const telling =
    [['oneOf', 'type'], ['oneOf'], []]
      .map((vague) => deepest.filter(({ keyword }) => !vague.includes(keyword)))
      .find((left) => left.length > 0) ?? deepest;
  const clauses = telling.map(({ keyword, message, params }) => {
    if (keyword === 'discriminator')
      return params.error === 'mapping'
        ? `has an unknown ${params.tag}: ${JSON.stringify(params.tagValue)}`
        : `has no ${params.tag}`;
    if (keyword === 'const') return `must be ${JSON.stringify(params.allowedValue)}`;
    if (keyword === 'enum') return `must be one of ${params.allowedValues.join(', ')}`;
    if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties')
      return `must not have ${params.additionalProperty ?? params.unevaluatedProperty}`;
    return message!;
  });
  return { place: shortened(telling[0]?.instancePath || '/'), clause: shortened([...new Set(clauses)].join(' or ')) };
}

/** Names of members and values in it may be of any length. */
const shortened = (text: string): string => (text.length <= 400 ? text : `${text.slice(0, 400)}...`);

function steps(pointer: string): number {
  return pointer.split('/').length;
}
