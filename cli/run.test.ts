import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { validator } from '../spec/uapi/validator.ts';
import type { RecordFooter, RunResult } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';
import { stable } from './test-installed.ts';
import { main } from './test-started-run.ts';

const { folder, vfioConform } = inProcess();

/** A copy of the contract with one file edited. */
function editedContract(file: string, edit: (text: string) => string): string {
  const copy = mkdtempSync(join(folder, 'contract-'));
  cpSync(join(packageRoot, 'spec/contract'), copy, { recursive: true });
  const path = join(copy, file);
  const before = readFileSync(path, 'utf8');
  const after = edit(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
  return copy;
}

/** Where a parameter that tells releases of Linux apart matters. */
const linux = ['--profile', 'type1-6.12'];

/** Suites that take less long than all, where it does not matter which. */
const some = ['--suite', 'scenarios'];

test('--json prints one object that fits its schema, and nothing else on standard output', async () => {
  const { status, stdout, stderr } = await vfioConform('run', '--json', ...linux, ...some);
  const result = JSON.parse(stdout);
  const validate = validator('run-result.schema.json');
  expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain('shows no failure in the part that ran, judged by type1-6.12: ');
  expect(status).toBe(0);
});

test.each([
  ['a suite', ['--suite', 'scenarios']],
  ['a shard', ['--shard', '1/400']],
  ['a number of programs', ['--cases', '20']],
  ['an ioctl', ['--only', 'VFIO_GET_API_VERSION']],
])('of %s it is not said that the target conforms, nor which rules of the rest were not reached', async (_, part) => {
  const record = join(folder, 'part.jsonl');
  const { status, stdout, stderr } = await vfioConform(
    'run',
    '--json',
    ...linux,
    ...part,
    '--record',
    record,
    '--force',
  );
  const { conforms, rules } = JSON.parse(stdout) as RunResult;
  expect(stderr).toMatch(/ shows no failure in the part that ran, judged by type1-6\.12: \d+ programs, /);
  expect(stderr).not.toMatch(/conforms to|reached/);
  expect([conforms, status]).toEqual([true, 0]);
  expect(rules).toEqual({ total: 0, reached: 0, unreached: [] });
  expect((JSON.parse(readFileSync(record, 'utf8').trim().split('\n').at(-1)!) as RecordFooter).rules).toEqual(rules);
});

test('a run that is cut off names no rules that the rest of it may reach', async () => {
  const child = spawn(process.execPath, [main, 'run', '--json', '--verbose', ...linux], { cwd: folder });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => {
    written.stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    // As soon as anything passed: all suites take long after that.
    if (!written.stderr.includes(': pass') && String(bytes).includes(': pass')) child.kill('SIGINT');
    written.stderr += bytes;
  });
  const [status] = await once(child, 'close');
  const { conforms, complete, programs, rules } = JSON.parse(written.stdout) as RunResult;
  expect(programs).toBeGreaterThan(0);
  expect([conforms, complete, status]).toEqual([false, false, 3]);
  expect(written.stderr).toMatch(
    / shows no failure in the part that ran, judged by type1-6\.12: .*, cut off before the end\.\n$/,
  );
  expect(written.stderr).toContain(`${rules.reached} of ${rules.total} rules reached.`);
  expect(rules.unreached.filter(({ why }) => why !== 'undefined')).toEqual([]);
});

test('a target that lacks what the profile asks for does not conform', async () => {
  const lacking = ['--target', 'sim:bind=absent', '--only', 'VFIO_IOMMU_BIND', '--suite', 'boundary'];
  const { status, stdout } = await vfioConform('run', ...lacking);
  expect(stdout).toMatch(/\) does not conform to v1-singleton: /);
  expect(status).toBe(1);
});

test('--set changes the profile, and the simulator with it', async () => {
  expect((await vfioConform('run', ...linux, ...some, '--set', 'foreign_container_fd=einval')).status).toBe(0);
});

test.each([
  ['foreign_container_fd=einval', ['set_container_fd_is_not_a_container_ebadfd']],
  ['untouched_read_map=zero_page', ['map_dma_memlock_exceeded', 'map_dma_untouched_page_is_private']],
  ['write_only_mapping=unreadable', ['dma_read_of_write_only_gives_memory']],
])('a simulator with %s fails the profile that says otherwise, by the rules that say so', async (setting, rules) => {
  const { status, stdout } = await vfioConform(
    'run',
    '--target',
    `sim:${setting}`,
    ...linux,
    '--suite',
    'scenarios',
    '--json',
  );
  const { groups } = JSON.parse(stdout) as RunResult;
  expect(status).toBe(1);
  expect([...new Set(groups.map(({ explanation }) => explanation!.rule))].sort()).toEqual(rules);
  for (const { explanation } of groups) expect(explanation?.settings[0]?.set).toEqual([setting]);
});

test('a changed errno in a copy of the contract fails, and the failure tells the cause', async () => {
  const spec = editedContract('rules/map-dma.yaml', (text) =>
    text.replace(/(id: map_dma_overlaps[\s\S]*?outcome: \{ errno: )EEXIST/, '$1EBUSY'),
  );
  const { status, stdout } = await vfioConform('run', '--spec', spec, ...linux, '--only', 'map_dma_overlaps');
  expect(status).toBe(1);
  expect(stable(stdout.slice(0, stdout.indexOf('  replay:')))).toMatchSnapshot();
});

test('a failure is replayed by its token', async () => {
  const target = 'sim:foreign_container_fd=einval';
  const run = await vfioConform('run', '--target', target, ...linux, ...some, '--json');
  const { failures } = JSON.parse(run.stdout) as RunResult;
  const failed = await vfioConform('replay', failures[0]!.token, '--target', target, ...linux);
  expect(failed.stdout).toContain('FAIL set_container_fd_is_not_a_container_ebadfd');
  expect(failed.status).toBe(1);
  const passed = await vfioConform('replay', failures[0]!.token, ...linux);
  expect(passed.stdout).toMatch(/\npass\n$/);
  expect(passed.status).toBe(0);
});

test('the parts of a run add up to the whole', async () => {
  const programs = async (...args: string[]) =>
    (JSON.parse((await vfioConform('run', ...linux, ...some, '--json', ...args)).stdout) as RunResult).programs;
  expect((await programs('--shard', '1/2')) + (await programs('--shard', '2/2'))).toBe(await programs());
  expect(await programs('--cases', '7')).toBe(7);
});

test('a run that runs out of time says so and exits with 3', async () => {
  const { status, stdout } = await vfioConform('run', ...linux, '--time', '1ms');
  expect(stdout).toContain('cut off before the end');
  expect(status).toBe(3);
});

test('--report junit counts every program, and shows failures', async () => {
  const file = join(folder, 'junit.xml');
  await vfioConform(
    'run',
    '--target',
    'sim:write_only_mapping=unreadable',
    ...linux,
    '--suite',
    'scenarios',
    '--report',
    `junit:${file}`,
  );
  const xml = readFileSync(file, 'utf8');
  const [, tests, failures] = /<testsuites [^>]*tests="(\d+)" failures="(\d+)"/.exec(xml)!;
  expect(xml.match(/<testcase /g)).toHaveLength(Number(tests));
  expect(xml.match(/<failure type="dma_read_of_write_only_gives_memory"/g)).toHaveLength(Number(failures));
  expect(Number(failures)).toBeGreaterThan(0);
});
