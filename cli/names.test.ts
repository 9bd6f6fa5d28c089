import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  canHaveModifiers,
  createSourceFile,
  getModifiers,
  isClassDeclaration,
  isFunctionDeclaration,
  isInterfaceDeclaration,
  isTypeAliasDeclaration,
  ScriptTarget,
  type Statement,
  SyntaxKind,
} from 'typescript';
import { expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';

/** Rooms whose parts meet. The simulator does not meet the model: each may have a Container. */
const rooms = ['spec', 'reference', 'modelcheck', 'conformance', 'adapters', 'reports', 'cli'];

const files = rooms
  .flatMap((room) =>
    readdirSync(join(packageRoot, room), { recursive: true, encoding: 'utf8' }).map((path) => join(room, path)),
  )
  .filter(
    (path) =>
      path.endsWith('.ts') && !/(\.test|\/test-[^/]+)\.ts$/.test(path) && !path.startsWith('adapters/simulator'),
  );

/** The type, class or function that a statement exports. */
function exportedName(statement: Statement): string | undefined {
  const named =
    isFunctionDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isInterfaceDeclaration(statement) ||
    isTypeAliasDeclaration(statement);
  if (!named || !canHaveModifiers(statement)) return undefined;
  const exported = getModifiers(statement)?.some(({ kind }) => kind === SyntaxKind.ExportKeyword);
  return exported ? statement.name?.text : undefined;
}

test('no two things have one name', () => {
  const places = new Map<string, string[]>();
  for (const file of files) {
    const { statements } = createSourceFile(file, readFileSync(join(packageRoot, file), 'utf8'), ScriptTarget.Latest);
    // A function with several signatures is one.
    for (const name of new Set(statements.map(exportedName)))
      if (name !== undefined) places.set(name, [...(places.get(name) ?? []), file]);
  }
  expect(places.size).toBeGreaterThan(500);
  expect([...places].filter(([, where]) => where.length > 1)).toEqual([]);
});
