import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type AnySchema, type ValidateFunction } from 'ajv/dist/2020.js';

const folders = new Map<string, Ajv2020>();

/** The compiled JSON Schema `name` of a folder; compiled once a process. */
export function validator(folder: string, name: string): ValidateFunction {
  let ajv = folders.get(folder);
  if (!ajv) {
    ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, discriminator: true });
    for (const file of readdirSync(folder)) {
      const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      ajv.addSchema(discriminated(schema, schema.$defs ?? {}) as AnySchema);
    }
    folders.set(folder, ajv);
  }
  return ajv.getSchema(name)!;
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
    if (keyword.endsWith('Properties'))
      return `must not have ${params.additionalProperty ?? params.unevaluatedProperty}`;
    return message!;
  });
  return { place: telling[0]?.instancePath || '/', clause: [...new Set(clauses)].join(' or ') };
}

function steps(pointer: string): number {
  return pointer.split('/').length;
}

interface Schema {
  $ref?: string;
  oneOf?: Schema[];
  properties?: Record<string, { const?: unknown }>;
  required?: string[];
}

/** A schema in which forms that a constant tells apart are tried by that constant alone, so that errors are about the form that is meant. */
function discriminated(schema: unknown, definitions: Record<string, Schema>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => discriminated(one, definitions));
  if (schema === null || typeof schema !== 'object') return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, one]) => [key, discriminated(one, definitions)]));
  const { oneOf } = schema as Schema;
  // A property may have the name of a keyword.
  const tag = Array.isArray(oneOf) ? tagOf(oneOf, definitions) : undefined;
  return tag === undefined ? copy : { ...copy, type: 'object', discriminator: { propertyName: tag } };
}

/** The property that has a constant of its own in each of the forms. */
function tagOf(forms: readonly Schema[], definitions: Record<string, Schema>): string | undefined {
  const [first, ...others] = forms.map((form) => definitions[form.$ref?.replace('#/$defs/', '') ?? ''] ?? form);
  const isTag =
    (name: string) =>
    ({ properties, required }: Schema) =>
      typeof properties?.[name]?.const === 'string' && required?.includes(name);
  return first?.required?.find((name) => [first, ...others].every(isTag(name)));
}
