import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../uapi/package-root.ts';
import { currentIdentifiers, type Identifier, identifiers, isRetired, retired, retirementText } from './identifiers.ts';
import { contractFolder, loadContract } from './load.ts';

const listed = identifiers();
const nameOf = ({ kind, id }: Identifier): string => `${kind} ${id}`;
const current = currentIdentifiers(loadContract(contractFolder)).map(nameOf);
const inUse = new Set(current);

test('every rule, finding, parameter, value and profile of the contract is listed; append what is missing', () => {
  const names = new Set(listed.filter((one) => !isRetired(one)).map(nameOf));
  expect(current.filter((name) => !names.has(name))).toEqual([]);
});

test('every name that is listed is in use, or was retired; append how', () => {
  const gone = new Set(listed.filter(isRetired).map(nameOf));
  expect(listed.map(nameOf).filter((name) => !inUse.has(name) && !gone.has(name))).toEqual([]);
  expect([...gone].filter((name) => inUse.has(name))).toEqual([]);
});

test('no line is there twice', () => {
  const lines = listed.map((one) => `${nameOf(one)}${isRetired(one) ? ' retired' : ''}`);
  expect(lines.filter((line, i) => lines.indexOf(line) !== i)).toEqual([]);
});

test('what takes the place of a retired name is in use, in the end', () => {
  const successors = listed
    .filter(isRetired)
    .map(({ kind, id }) => retired(id, [kind], listed)!)
    .filter(({ successor }) => successor !== undefined);
  expect(successors.length).toBeGreaterThan(100);
  expect(successors.filter(({ kind, successor }) => !inUse.has(`${kind} ${successor}`))).toEqual([]);
});

test('a retired name is shown with what to use', () => {
  expect(retirementText(retired('bind_binds')!)).toBe('rule bind_binds is retired; use bind_flag_bind.');
  expect(retired('bind_flag_bind')).toBeUndefined();
});

// Also what is not committed yet. A package that is no clone has no history to be held against.
test.runIf(hasHistory())('no line was ever changed or taken away', () => {
  const path = 'spec/contract/identifiers.yaml';
  const differences = [git('log', '--format=', '-p', '--', path), git('diff', 'HEAD', '--', path)].join('\n');
  const gone = differences.split('\n').filter((line) => line.startsWith('-- '));
  expect(gone).toEqual([]);
});

function hasHistory(): boolean {
  try {
    return git('rev-parse', '--show-prefix').trim() === '';
  } catch {
    return false;
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: packageRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

test('each rule, parameter and value that got another word says so to who uses the old one', () => {
  const map = parse(readFileSync(`${packageRoot}/docs/decisions/0023-words.yaml`, 'utf8')) as Record<
    'rules' | 'parameters',
    Record<string, string>
  > & { values: Record<string, Record<string, string>> };
  const renamed = [
    ...Object.entries(map.rules).map((pair) => ['rule', ...pair] as const),
    ...Object.entries(map.parameters).map((pair) => ['parameter', ...pair] as const),
  ];
  for (const [kind, before, after] of renamed) expect(retired(before, [kind], listed)?.successor, before).toBe(after);
  for (const [parameter, values] of Object.entries(map.values)) {
    const old = Object.entries(map.parameters).find(([, after]) => after === parameter)?.[0] ?? parameter;
    for (const [before, after] of Object.entries(values))
      expect(retired(`${old}=${before}`, ['value'], listed)?.successor).toBe(`${parameter}=${after}`);
  }
});
