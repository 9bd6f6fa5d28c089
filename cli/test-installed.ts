import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';

/** The command as users have it: built, in a folder of its own that has neither the C parts nor the pages. */
export interface Installed {
  folder: string;
  /** What Node.js runs. */
  main: string;
  vfioConform(...args: string[]): { status: number | null; stdout: string; stderr: string };
}

/** Installs the command for the tests of a file, and takes it away after them. */
export function installed(): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-cli-'));
  const main = join(folder, 'dist/cli/main.js');
  beforeAll(() => {
    const without = ['dist/native', 'docs/reference'].map((path) => join(packageRoot, path));
    for (const part of ['dist', 'spec', 'docs', 'package.json'])
      cpSync(join(packageRoot, part), join(folder, part), {
        recursive: true,
        filter: (path) => !without.includes(path),
      });
    symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    folder,
    main,
    vfioConform(...args) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
        cwd: folder,
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      });
      return { status, stdout, stderr };
    },
  };
}

/** Reports without what differs from run to run. */
export const stable = (text: string) =>
  text.replace(/[\d.]+ s\.$/gm, 'N s.').replace(/\(simulator [^)]*\)/g, '(simulator)');
