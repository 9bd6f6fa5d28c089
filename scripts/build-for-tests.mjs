// Brings dist/ up to date before tests run, and again while vitest watches: every module whose source is newer than what was
// made of it, what is made from spec/, and the C parts. Types are for `npm run build` and the linters to check.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The set-up of vitest. */
export default function setup(vitest) {
  bringUpToDate();
  vitest.onTestsRerun(bringUpToDate);
}

function bringUpToDate() {
  const stale = sources().filter((path) => modified(path) > modified(output(path)));
  if (stale.length > 0) transpile(stale);
  const data = Math.max(newest('spec'), modified('scripts/build-data.mjs'));
  if (data > modified('dist/contract.json')) run('build-data.mjs');
  run('hash-tool.mjs');
  run('build-native.mjs', '--sanitize');
}

/** The modules that tsconfig.build.json is for. */
function sources() {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  return include
    .filter((folder) => !folder.includes('*'))
    .flatMap((folder) =>
      filesIn(folder).filter((path) => /(?<!\.test)\.ts$/.test(path) && !/\/test-[^/]*$/.test(path)),
    );
}

const output = (path) => `dist/${path.replace(/\.ts$/, '.js')}`;

/** Writes what tsc would; a module needs no other one for that. */
function transpile(paths) {
  // Loading the compiler takes longer than all else here.
  const typescript = createRequire(import.meta.url)('typescript');
  const { config } = typescript.readConfigFile(join(root, 'tsconfig.build.json'), typescript.sys.readFile);
  const { options } = typescript.parseJsonConfigFileContent(config, typescript.sys, root);
  // Which kind of module NodeNext makes stands in package.json, which is not looked at.
  const compilerOptions = { ...options, module: typescript.ModuleKind.ESNext };
  for (const path of paths) {
    const fileName = join(root, path);
    const text = readFileSync(fileName, 'utf8');
    const { outputText, sourceMapText } = typescript.transpileModule(text, { compilerOptions, fileName });
    const file = join(root, output(path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.map`, sourceMapText);
    writeFileSync(file, outputText);
  }
  chmodSync(join(root, 'dist/cli/main.js'), 0o755);
}

function run(script, ...options) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', script), ...options], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`scripts/${script} failed; what it says stands above`);
}

function filesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
}

/** When a file was last written, in ms since 1970; 0 if there is none. */
function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** When a file of a folder was last written, or one was added or taken away. */
function newest(folder) {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return Math.max(modified(folder), ...paths.map((path) => modified(join(folder, path))));
}
