import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-start-up-'));

// What is built, and of the packages that it may use only the one that reads the command line.
beforeAll(() => {
  cpSync(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  cpSync(join(packageRoot, 'dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (path) => path !== join(packageRoot, 'dist/native'),
  });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(packageRoot, 'node_modules/commander'), join(folder, 'node_modules/commander'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function vfioConform(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'dist/cli/main.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test.each([
  ['--help', 'Usage: vfio-conform'],
  ['explain VFIO_IOMMU_BIND', 'VFIO_IOMMU_BIND'],
  ['explain bind_returns_zero', 'bind_returns_zero'],
])('%s neither reads YAML nor compiles a schema', (words, start) => {
  const { status, stdout, stderr } = vfioConform(...words.split(' '));
  expect(stderr).toBe('');
  expect(stdout.slice(0, start.length)).toBe(start);
  expect(status).toBe(0);
});

test.each([
  ['contract.json', ['explain', 'EINVAL']],
  ['validators/program.cjs', ['replay', 'program.json']],
])('without dist/%s one sentence says what to do', (file, args) => {
  writeFileSync(join(folder, 'program.json'), JSON.stringify({ id: 'p', topology: { slots: {} }, ops: [] }));
  const path = join(folder, 'dist', file);
  cpSync(path, join(folder, 'kept'));
  rmSync(path);
  const { status, stderr } = vfioConform(...args);
  cpSync(join(folder, 'kept'), path);
  expect(stderr).toBe(`vfio-conform: dist/${file}: cannot be read; run npm run build.\n`);
  expect(status).toBe(2);
});
