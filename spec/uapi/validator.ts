import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

const folders = new Map<string, Ajv2020>();

/** The compiled JSON Schema `name` of a folder; compiled once a process. */
export function validator(folder: string, name: string): ValidateFunction {
  let ajv = folders.get(folder);
  if (!ajv) {
    ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
    for (const file of readdirSync(folder)) ajv.addSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    folders.set(folder, ajv);
  }
  return ajv.getSchema(name)!;
}
