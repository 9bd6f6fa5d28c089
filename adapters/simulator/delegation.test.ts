// Work of the kernel is cut at points where locks and faults hook in: a call of such work that is not delegated does nothing.
import { join, relative } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { packageRoot } from '../../spec/uapi/package-root.ts';

/** Whether steps are used where they stand: delegated to, handed on, or given back; by a name, whether that is used so anywhere. */
function isUsed(steps: ts.Node, checker: ts.TypeChecker): boolean {
  let node = steps;
  while (
    ts.isParenthesizedExpression(node.parent) ||
    ts.isConditionalExpression(node.parent) ||
    ts.isBinaryExpression(node.parent)
  )
    node = node.parent;
  const { parent } = node;
  if (ts.isYieldExpression(parent)) return parent.asteriskToken !== undefined;
  if (ts.isReturnStatement(parent) || ts.isArrowFunction(parent)) return true;
  if (ts.isCallExpression(parent)) return parent.arguments.includes(node as ts.Expression);
  if (!ts.isVariableDeclaration(parent)) return false;
  const name = checker.getSymbolAtLocation(parent.name);
  return identifiersIn(parent.getSourceFile()).some(
    (one) => one !== parent.name && checker.getSymbolAtLocation(one) === name && isUsed(one, checker),
  );
}

function identifiersIn(node: ts.Node): ts.Identifier[] {
  const found: ts.Identifier[] = ts.isIdentifier(node) ? [node] : [];
  ts.forEachChild(node, (child) => {
    found.push(...identifiersIn(child));
  });
  return found;
}

/** Whether a call gives work of the kernel, which yields points. */
function givesSteps(call: ts.CallExpression, checker: ts.TypeChecker): boolean {
  const type = checker.getTypeAtLocation(call);
  if (type.symbol?.name !== 'Generator') return false;
  const [yielded] = checker.getTypeArguments(type as ts.TypeReference);
  return yielded?.symbol?.name === 'Point';
}

/** The places of a program where work of the kernel is called and dropped. */
function dropped(program: ts.Program, folder: string): string[] {
  const checker = program.getTypeChecker();
  const found: string[] = [];
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.startsWith(`${folder}/`)) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && givesSteps(node, checker) && !isUsed(node, checker)) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart());
        found.push(`${relative(packageRoot, file.fileName)}:${line + 1}: ${node.getText()}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found;
}

const { config } = ts.readConfigFile(join(packageRoot, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, packageRoot);

test('no work of the simulated kernel is called and not delegated to', () => {
  const program = ts.createProgram(
    ['adapter.ts', 'defects/registry.ts'].map((one) => join(packageRoot, 'adapters/simulator', one)),
    { ...options, noEmit: true },
  );
  expect(dropped(program, join(packageRoot, 'adapters/simulator'))).toEqual([]);
});

test('work that is called and not delegated to is found', () => {
  const name = join(packageRoot, 'adapters/simulator/dropping.ts');
  const text = `import { done, type Steps } from './steps.ts';
export function* dropping(): Steps<number> {
  done(1);
  yield done(2) as never;
  const lost = done(3);
  const kept = done(4);
  yield* kept;
  return yield* done(5);
}`;
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === name || fileExists.call(host, path);
  host.getSourceFile = (path, version, ...more) =>
    path === name ? ts.createSourceFile(path, text, version, true) : getSourceFile.call(host, path, version, ...more);
  const program = ts.createProgram([name], { ...options, noEmit: true }, host);
  expect(dropped(program, join(packageRoot, 'adapters/simulator')).map((one) => one.split(': ')[1])).toEqual([
    'done(1)',
    'done(2)',
    'done(3)',
  ]);
});
