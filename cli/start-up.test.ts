import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-start-up-'));

// What is built, without the packages that read YAML and compile schemas.
beforeAll(() => {
  cpSync(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  cpSync(join(packageRoot, 'dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (path) => path !== join(packageRoot, 'dist/native'),
  });
  mkdirSync(join(folder, 'node_modules'));
  const { dependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies).filter((one) => one !== 'yaml' && one !== 'ajv'))
    symlinkSync(join(packageRoot, 'node_modules', name), join(folder, 'node_modules', name));
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
  ['run --suite scenarios --cases 1 --target model', 'scenarios'],
])('%s neither reads YAML nor compiles a schema', (words, shown) => {
  const { status, stdout } = vfioConform(...words.split(' '));
  expect(stdout).toContain(shown);
  expect(status).not.toBe(2);
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
