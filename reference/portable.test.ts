import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';

// What evaluates a contract is to run in a web page too: it reads nothing, and knows nothing of Node.js.
const roots = [
  ...readdirSync(join(packageRoot, 'reference'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !/(^|\/)test-[^/]*$/.test(path))
    .map((path) => join(packageRoot, 'reference', path)),
  ...['contract-json', 'setting', 'selected'].map((name) => join(packageRoot, 'spec/contract', `${name}.ts`)),
];

/** The modules that a module needs when it runs: what only its types come from is left out. */
function needs(file: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      if (!node.importClause?.isTypeOnly) found.push(specifierText(node.moduleSpecifier));
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      if (!node.isTypeOnly) found.push(specifierText(node.moduleSpecifier));
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      found.push(specifierText(node.arguments[0]!));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

const specifierText = (node: ts.Node) => (ts.isStringLiteralLike(node) ? node.text : 'an expression');

/** All modules that the roots need, each with what it needs. */
function reachable(): Map<string, string[]> {
  const modules = new Map<string, string[]>();
  const open = [...roots];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (modules.has(file)) continue;
    const needed = needs(file);
    modules.set(file, needed);
    for (const one of needed) if (one.startsWith('.')) open.push(join(dirname(file), one));
  }
  return modules;
}

const modules = reachable();

/** Packages that need neither Node.js nor another package. */
const portable = ['sorted-btree'];

test('evaluating a contract imports nothing of Node.js', () => {
  const foreign = [...modules].flatMap(([file, needed]) =>
    needed
      .filter((one) => !one.startsWith('.') && !portable.includes(one))
      .map((one) => `${relative(packageRoot, file)} imports ${one}`),
  );
  expect(foreign).toEqual([]);
  expect([...modules.keys()].map((file) => relative(packageRoot, file))).toContain('spec/uapi/uapi-data.ts');
});

test.each(portable)('the package %s imports nothing', (name) => {
  const folder = join(packageRoot, 'node_modules', name);
  const { main, dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  expect(dependencies).toEqual({});
  expect(readFileSync(join(folder, main), 'utf8')).not.toMatch(/\b(require|import)\s*\(|^import /m);
});

test('evaluating a contract uses no name that only Node.js has', () => {
  const { config } = ts.readConfigFile(join(packageRoot, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, packageRoot);
  const program = ts.createProgram([...modules.keys()], { ...options, types: [] });
  const said = [...modules.keys()].flatMap((file) => program.getSemanticDiagnostics(program.getSourceFile(file)));
  expect(
    said.map(({ file, messageText }) => `${relative(packageRoot, file!.fileName)}: ${JSON.stringify(messageText)}`),
  ).toEqual([]);
});
