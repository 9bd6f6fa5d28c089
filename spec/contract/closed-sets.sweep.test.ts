// What is told apart by kind is matched to the end: one kind more, and every place that must know it fails to compile.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { expect, inject, test } from 'vitest';
import { packageRoot } from '../uapi/package-root.ts';

const vocabulary = join(packageRoot, 'spec/uapi/vocabulary.ts');

/** The files that do not compile if the vocabulary says something else. */
function failing(edit: (text: string) => string): string[] {
  const { config } = ts.readConfigFile(join(packageRoot, 'tsconfig.json'), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, packageRoot);
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (file, version, ...more) => {
    if (file !== vocabulary) return getSourceFile.call(host, file, version, ...more);
    const before = readFileSync(file, 'utf8');
    const after = edit(before);
    expect(after).not.toBe(before);
    return ts.createSourceFile(file, after, version, true);
  };
  const files = fileNames.filter((file) => !/\.test\.ts$|\/test-[^/]*$|\.config\.ts$/.test(file));
  const program = ts.createProgram(files, { ...options, noEmit: true }, host);
  const places = ts.getPreEmitDiagnostics(program).map(({ file }) => relative(packageRoot, file!.fileName));
  return [...new Set(places)].sort();
}

test.runIf(inject('sweep') === 'whole')('one more outcome, step and op is seen wherever it matters', () => {
  const one = "{ kind: 'another'; if?: string; when?: SpecWhen } |";
  const places = failing((text) =>
    text
      .replace('export type SpecOutcome =', `export type SpecOutcome = ${one}`)
      .replace('export type SpecStep =', `export type SpecStep = ${one}`)
      .replace('export type Op =', "export type Op = { op: 'another'; actor?: string; concurrent?: boolean }"),
  );
  expect(places).toEqual([
    'adapters/simulator/executor.ts',
    'cli/explain/handler.ts',
    'conformance/assess/signature.ts',
    'conformance/programs/rehearsal.ts',
    'modelcheck/invariants.ts',
    'reference/interpreter/compiler.ts',
    'reference/interpreter/execute.ts',
    'reference/interpreter/outcome.ts',
    'reports/reference/contract-text.ts',
    'reports/reference/sections/steps-table.ts',
    'reports/reference/sections/steps.ts',
    'reports/reference/spec-document.ts',
    'spec/contract/steps.ts',
  ]);
});
