import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { RecordHeader, RecordLine, RecordMachine } from '../spec/uapi/vocabulary.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-kernel-'));
afterAll(() => rmSync(folder, { recursive: true }));

function vfioConform(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(packageRoot, 'dist/cli/main.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
}

const program = join(folder, 'program.json');
writeFileSync(
  program,
  JSON.stringify({
    id: 'limit',
    topology: { slots: { g: { devices: 1, viable: true } } },
    ops: [{ op: 'set_parameter', module: 'no_such_module', parameter: 'p', value: '1' }],
  }),
);

test('a pinned kernel takes boot parameters, heeds them, and the record says all of it', () => {
  const [target, , name, version] = vfioConform('targets', '--lock', '6.12').stdout.replace(',', '').split(' ');
  expect(target).toMatch(/^kernel:6\.12\.\d+-\d+$/);
  const record = join(folder, 'record.jsonl');
  const boot = 'quiet vfio_iommu_type1.dma_entry_limit=100';
  const selection = ['--suite', 'boundary', '--only', 'VFIO_IOMMU_GET_INFO', '--cases', '200', '--record', record];
  const { status, stderr } = vfioConform('run', '--target', target!, '--boot', boot, ...selection);
  expect(stderr).not.toContain('cannot');
  expect(status).toBe(0);
  const lines = readFileSync(record, 'utf8')
    .trim()
    .split('\n')
    .map((line): RecordLine => JSON.parse(line));
  const header = lines[0] as RecordHeader;
  const lock = readFileSync(join(folder, 'kernels.lock.yaml'), 'utf8');
  expect(header.options).toEqual({ boot, package: `${name} ${version}`, packageSha256: expect.any(String) });
  expect(lock).toContain(header.options.packageSha256);
  const machine = lines.find((line): line is RecordMachine => line.kind === 'machine');
  expect(machine?.environment.dmaEntryLimit).toBe(100);
});

test('a parameter that VFIO does not have is no reason to run without it', () => {
  const boot = 'vfio_iommu_type1.no_such_parameter=1';
  const { status, stderr } = vfioConform('replay', program, '--target', 'kernel:6.12', '--boot', boot);
  expect(stderr).toContain('this kernel has no /sys/module/vfio_iommu_type1/parameters/no_such_parameter');
  expect(status).toBe(2);
});

test('a program that sets a parameter of a module that is not there is not applicable', () => {
  const { stdout } = vfioConform('replay', program, '--target', 'kernel:6.12');
  expect(stdout).toMatch(/^not-applicable: .*there is no parameter no_such_module\.p/m);
});
