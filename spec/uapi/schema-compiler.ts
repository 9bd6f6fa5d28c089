import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Ajv2020, AnySchema, CodeOptions } from 'ajv/dist/2020.js';

/**
 * All JSON Schemas of a folder, each under the name of its file and with its definitions, to be compiled when they are
 * asked for. With `source` the compiler keeps the code that it makes.
 */
export function schemaCompiler(folder: string, code: CodeOptions = {}): Ajv2020 {
  // Only here: a process that reads no YAML does without the compiler, which takes longer to load than all else.
  const { Ajv2020: Compiler } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  const compiler = new Compiler({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    discriminator: true,
    code,
  });
  for (const file of readdirSync(folder)) {
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    compiler.addSchema(discriminated(schema, schema.$defs ?? {}) as AnySchema);
  }
  return compiler;
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
