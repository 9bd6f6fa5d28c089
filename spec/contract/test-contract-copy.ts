import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { Problem } from '../uapi/problem.ts';
import { contractFolder } from './load.ts';

/** A copy of the contract's YAML that each test of a file has anew. */
export interface ContractCopy {
  readonly folder: string;
  /** Replaces the first occurrence of a text in a file. In `to`, `@` is the place that the message must name, which is given back. */
  edit(file: string, from: string | RegExp, to: string): string;
  /** Where a text stands in a file, as messages name places. */
  placeOf(file: string, text: string): string;
}

/** Makes a copy before each test, and takes it away after it. */
export function contractCopy(): ContractCopy {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'contract-'));
    cpSync(contractFolder, folder, { recursive: true, filter: (file) => !file.endsWith('.ts') });
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const placeAfter = (path: string, before: string[]) =>
    `${relative(process.cwd(), path)}:${before.length}:${before.at(-1)!.length + 1}`;
  return {
    get folder() {
      return folder;
    },
    edit(file, from, to) {
      const path = join(folder, file);
      const marked = readFileSync(path, 'utf8').replace(from, () => to);
      const at = marked.indexOf('@');
      expect(at, `${file} has no ${from}`).toBeGreaterThanOrEqual(0);
      writeFileSync(path, marked.slice(0, at) + marked.slice(at + 1));
      return placeAfter(path, marked.slice(0, at).split('\n'));
    },
    placeOf(file, text) {
      const path = join(folder, file);
      return placeAfter(path, readFileSync(path, 'utf8').split(text, 1)[0]!.split('\n'));
    },
  };
}

/** What the Problem says that a function throws; any other error fails the test. */
export function problemOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  throw new Error('no Problem was thrown');
}
