import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkOutputFolder, outputProblem } from '../reports/output.ts';
import { toHeader } from '../reports/reference/header/header.ts';
import { generatedMark } from '../reports/reference/markdown.ts';
import type { CheckedProfiles } from '../reports/reference/pages/counterexamples-page.ts';
import type { DecisionPage } from '../reports/reference/pages/decisions-page.ts';
import { referencePages } from '../reports/reference/pages/pages.ts';
import { toSpecDocument } from '../reports/reference/spec-document.ts';
import type { ContractData } from '../spec/contract/types.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { checkedProfiles } from './checked-profiles.ts';
import { loadData } from './options/setting.ts';
import { referenceExamples } from './reference-examples/examples.ts';
import { invalidationsOf } from './reference-examples/invalidations.ts';

/** Options of `spec`. */
export interface SpecOptions {
  format: string;
  /** md: the folder. */
  out?: string;
  /** md: nothing is written. */
  check?: boolean;
  spec?: string;
}

/**
 * `vfio-conform spec`: writes the reference as pages, or prints the contract as one JSON document or a C header. With --check
 * it says which pages of the folder are not current, and sets the exit code. For the pages of counterexamples profiles are
 * checked, which takes minutes. Throws a Problem.
 */
export async function specCommand(
  { format, out, check, spec }: SpecOptions,
  checkProfiles = checkedProfiles,
): Promise<void> {
  if (!['md', 'json', 'h'].includes(format)) throw new Problem(`--format ${format}: unknown; it can be md, json or h.`);
  if (format !== 'md' && (out !== undefined || check))
    throw new Problem(
      `--format ${format}: is printed, and takes neither --out nor --check; use them with --format md.`,
    );
  const data = loadData({ spec });
  if (format === 'json') process.stdout.write(`${JSON.stringify(toSpecDocument(data), null, 2)}\n`);
  else if (format === 'h') process.stdout.write(toHeader(data));
  else {
    const folder = out ?? join(packageRoot, 'docs/reference');
    if (!check) checkOutputFolder(`--out ${folder}`, folder);
    const checked = checkProfiles(data, (what) => process.stderr.write(`checking ${what}\n`));
    writePages(folder, pagesOf(data, checked), check ?? false);
  }
}

/**
 * All pages of a contract, and the programs that they name: by path in their folder, their text. Without what was checked
 * there are no counterexamples.
 */
export function pagesOf(data: ContractData, check?: CheckedProfiles): Map<string, string> {
  return referencePages({
    data,
    examples: referenceExamples(data),
    decisions: writtenDecisions(),
    invalidations: invalidationsOf(data),
    ...(check && { check }),
  });
}

function writePages(folder: string, pages: ReadonlyMap<string, string>, check: boolean): void {
  const differences = differencesFrom(folder, pages);
  if (check) {
    for (const { path, state } of differences) process.stdout.write(`${join(folder, path)}: ${state}\n`);
    process.exitCode = differences.length > 0 ? 1 : 0;
    return;
  }
  for (const { path, state } of differences) {
    const file = join(folder, path);
    if (state === 'left over') rmSync(file);
    else {
      try {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, pages.get(path)!);
      } catch (error) {
        throw outputProblem(`--out ${folder}`, file, error);
      }
    }
  }
  process.stderr.write(`${folder}: ${pages.size} pages, ${differences.length} changed.\n`);
}

/** A page of a folder that is not as it should be. */
interface Difference {
  path: string;
  state: 'missing' | 'stale' | 'left over';
}

/** Where a folder and the pages that should be in it differ. What nobody generated is left alone. */
function differencesFrom(folder: string, pages: ReadonlyMap<string, string>): Difference[] {
  const found = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const leftOver = found.filter((path) => !pages.has(path) && isGenerated(folder, path));
  return [
    ...[...pages].flatMap(([path, text]): Difference[] => {
      if (!found.includes(path)) return [{ path, state: 'missing' }];
      return read(folder, path) === text ? [] : [{ path, state: 'stale' }];
    }),
    ...leftOver.map((path): Difference => ({ path, state: 'left over' })),
  ];
}

/** Whether a file of a folder is of those that are written there: a page has its mark, a program its place. */
export function isGenerated(folder: string, path: string): boolean {
  if (path.endsWith('.json')) return path.startsWith('counterexamples/');
  return path.endsWith('.md') && read(folder, path).startsWith(generatedMark);
}

const read = (folder: string, path: string): string => readFileSync(join(folder, path), 'utf8');

/** The pages of docs/decisions/ with their headings. */
function writtenDecisions(): DecisionPage[] {
  const folder = join(packageRoot, 'docs/decisions');
  return readdirSync(folder)
    .filter((file) => /^\d+-.*\.md$/.test(file))
    .sort()
    .map((file) => ({ file, title: /^# (.*)$/m.exec(read(folder, file))![1]! }));
}
