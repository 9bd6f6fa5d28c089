import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { MARK } from '../spec/uapi/test-processes.ts';

/** The command as it was built. */
export const main = join(packageRoot, 'dist/cli/main.js');

/** A run that goes on. */
export interface StartedRun {
  child: ChildProcess;
  /** The folder that it runs in, which marks its processes. */
  place: string;
  record: string;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts a run that keeps a record in a folder. */
export function startRun(place: string, ...args: string[]): StartedRun {
  const record = join(place, 'record.jsonl');
  const child = spawn(process.execPath, [main, 'run', '--record', record, ...args], {
    cwd: place,
    env: { ...process.env, [MARK]: place },
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]!.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, ...said }));
  });
  return { child, place, record, ended };
}

/** Waits; a hang guard of the tests ends what never comes. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Bytes of a file; 0 if it is not there. */
export const size = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

/** A file's text; empty if it is not there. */
export const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
