import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { perform } from './perform.ts';
import { printed } from './test-command.ts';

/** The command in the process of the tests, which spares starting one; in a folder of its own. */
export interface InProcess {
  folder: string;
  vfioConform(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }>;
}

/** Gives the tests of a file the command, and takes its folder away after them. */
export function inProcess(): InProcess {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-cli-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    folder,
    async vfioConform(...args) {
      const before = process.cwd();
      process.chdir(folder);
      try {
        let wrong: string | undefined;
        const { stdout, stderr, code } = await printed(async () => {
          wrong = await perform(args);
        });
        // As main.ts does.
        return { status: code, stdout, stderr: wrong === undefined ? stderr : `${stderr}vfio-conform: ${wrong}\n` };
      } finally {
        process.chdir(before);
      }
    },
  };
}
