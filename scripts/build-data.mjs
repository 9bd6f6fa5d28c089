// Writes what commands would otherwise work out each time they start: dist/contract.json, and in dist/validators/ the
// JSON Schemas of spec/uapi/schema/ compiled. Needs dist/spec/.
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import standalone from 'ajv/dist/standalone/index.js';
import { toContractText } from '../dist/spec/contract/contract-json.js';
import { contractFolder, loadContract } from '../dist/spec/contract/load.js';
import { Problem } from '../dist/spec/uapi/problem.js';
import { schemaCompiler } from '../dist/spec/uapi/schema-compiler.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Written aside and renamed: a command may be reading the old file. */
function write(path, text) {
  const file = join(root, path);
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, text);
  renameSync(aside, file);
}

/** One module for each schema, which exports it and its definitions under their names. */
function writeValidators() {
  const folder = join(root, 'spec/uapi/schema');
  mkdirSync(join(root, 'dist/validators'), { recursive: true });
  for (const file of readdirSync(folder)) {
    const compiler = schemaCompiler(folder, { source: true });
    const definitions = Object.keys(compiler.schemas[file].schema.$defs ?? {}).map((name) => `${file}#/$defs/${name}`);
    const names = Object.fromEntries([file, ...definitions].map((name) => [name, name]));
    write(`dist/validators/${basename(file, '.schema.json')}.cjs`, standalone.default(compiler, names));
  }
}

try {
  writeValidators();
  write('dist/contract.json', toContractText(loadContract(contractFolder)));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exit(1);
}
