import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { RecordLine, RunResult } from '../spec/uapi/vocabulary.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-kernel-'));
afterAll(() => rmSync(folder, { recursive: true }));

function command(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(packageRoot, 'dist/cli/main.js');
  return spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
}

function vfioConform(...args: string[]): { status: number | null; result: RunResult; stderr: string } {
  const { status, stdout, stderr } = command(...args, '--json');
  return { status, result: stdout ? JSON.parse(stdout) : undefined, stderr };
}

/** What a run, or the judging of its record, came to, but for how long it took. */
const outcome = ({ status, result }: ReturnType<typeof vfioConform>) => ({ status, result: { ...result, seconds: 0 } });

/** What a record has of machines: those that were started, in their order, and those that the target does not offer. */
function machinesOf(record: string): { started: string[]; missing: string[] } {
  const lines = readFileSync(record, 'utf8')
    .trim()
    .split('\n')
    .map((line): RecordLine => JSON.parse(line));
  return {
    started: lines.flatMap((line) => (line.kind === 'machine' ? line.machine : [])),
    missing: lines.flatMap((line) => (line.kind === 'missing' ? line.machine : [])),
  };
}

/** The settings of single parameters that explain all failures, group by group; what nothing explains by its signature. */
const differences = ({ groups }: RunResult) =>
  [
    ...new Set(
      groups.flatMap(({ explanation, signature }) => explanation?.settings[0]?.set ?? [JSON.stringify(signature)]),
    ),
  ].sort();
/** What the releases do differently. */
const documented = (release: string) => {
  const old = release === '6.1';
  return [
    `dma_available_capability=${old ? 'twelve_bytes' : 'sixteen_bytes'}`,
    `foreign_container_fd=${old ? 'einval' : 'ebadfd'}`,
    `get_info_written=${old ? 'sixteen_or_twenty' : 'up_to_24'}`,
    `region_access_width=${old ? 'four_bytes' : 'eight_bytes'}`,
    `req_irq_negative_eventfd=${old ? 'ignored' : 'einval'}`,
    `untouched_read_map=${old ? 'zero_page' : 'private_page'}`,
  ];
};
/** Rules that a kernel of a distribution cannot reach, because it lets no allocation fail, or its machine lacks something. */
const unreachable = {
  allocation_failure: 'kernel configuration',
  allocation_failure_on_attach: 'kernel configuration',
  inject_applies_to_next_op: 'kernel configuration',
  inject_returns_zero: 'kernel configuration',
  config_write_to_extended_capability_is_dropped: 'hardware',
  open_device_hides_pasid: 'hardware',
  set_container_iommu_does_not_nest: 'hardware',
};
/** The ioctls of the 2020 nesting series, which no kernel has. */
const requests = ['bind', 'cache_invalidate', 'pasid_request'];

const spec = join(folder, 'contract');
cpSync(join(packageRoot, 'spec/contract'), spec, { recursive: true });
const edited = join(spec, 'rules/map-dma.yaml');
writeFileSync(
  edited,
  readFileSync(edited, 'utf8').replace(/(id: map_dma_overlaps[\s\S]*?outcome: \{ errno: )EEXIST/, '$1EBUSY'),
);

describe.each(['6.1', '6.12'])('Linux %s', (release) => {
  const other = release === '6.1' ? 'type1-6.12' : 'type1-6.1';
  const record = join(folder, `${release}.jsonl`);

  test('conforms to its profile; every rule is reached but the undefined and those that its machine cannot show', () => {
    const run = vfioConform('run', '--target', `kernel:${release}`, '--record', record);
    const { status, result, stderr } = run;
    expect(result?.failures, stderr).toEqual([]);
    const unreached = result.rules.unreached.filter(({ why }) => why !== 'undefined');
    expect(Object.fromEntries(unreached.map(({ id, why }) => [id, why]))).toEqual(unreachable);
    expect(result.features).toEqual(Object.fromEntries([...requests, 'device_cdev'].map((name) => [name, 'absent'])));
    expect(status).toBe(0);
    expect(outcome(vfioConform('judge', record))).toEqual(outcome(run));
  });

  test(`differs from ${other} exactly where the documents say`, () => {
    const { status, result } = vfioConform('judge', record, '--profile', other);
    expect(differences(result)).toEqual(documented(release));
    expect(status).toBe(1);
  });

  test('contradicts a contract with a wrong errno, and the failure says where', () => {
    const { status, result } = vfioConform(
      'run',
      '--target',
      `kernel:${release}`,
      '--suite',
      'scenarios',
      '--only',
      'map_dma_overlaps',
      '--spec',
      spec,
    );
    expect(new Set(result.failures.map(({ rule, expected, actual }) => `${rule}: ${expected}, not ${actual}`))).toEqual(
      new Set(['map_dma_overlaps: EBUSY, not EEXIST']),
    );
    expect(status).toBe(1);
  });
});

test('Linux 6.1, run by the profile of 6.12, fails where the documents say', () => {
  const record = join(folder, 'other.jsonl');
  const run = vfioConform(
    ...['run', '--target', 'kernel:6.1', '--profile', 'type1-6.12', '--record', record],
    ...['--only', 'scenarios/dma_', '--only', 'map_dma_untouched_page_is_private'],
  );
  const known = documented('6.1');
  expect(differences(run.result).filter((one) => !known.includes(one))).toEqual([]);
  expect(differences(run.result)).toContain('untouched_read_map=zero_page');
  expect(run.status).toBe(1);
  expect(outcome(vfioConform('judge', record))).toEqual(outcome(run));
});

describe('Linux 6.12, judged by the profile of the 2020 nesting series', () => {
  test('lacks each of the requests in every state', () => {
    const record = join(folder, 'requests.jsonl');
    const ioctls = ['VFIO_IOMMU_BIND', 'VFIO_IOMMU_CACHE_INVALIDATE', 'VFIO_IOMMU_PASID_REQUEST'];
    const run = vfioConform(
      ...['run', '--target', 'kernel:6.12', '--profile', 'v1', '--suite', 'boundary', '--record', record],
      ...ioctls.flatMap((ioctl) => ['--only', ioctl]),
    );
    const { status, result, stderr } = run;
    for (const name of requests) {
      expect(result.features[name], name).toBe('absent');
      expect(stderr).toContain(`Feature ${name}: absent, by every probe in every state; v1 asks for it.`);
    }
    expect(status).toBe(1);
    expect(machinesOf(record).missing).toEqual(['48-bit-nesting-five-levels', '48-bit-nesting-four-levels']);
    expect(outcome(vfioConform('judge', record))).toEqual(outcome(run));
  });

  test('conforms once they and the base kernel are given up', () => {
    const set = [...requests.map((name) => `${name}=absent`), 'base_kernel=6.12', 'driver=none'];
    const record = join(folder, '6.12.jsonl');
    const { status, result, stderr } = vfioConform(
      ...['judge', record, '--profile', 'v1', ...set.flatMap((one) => ['--set', one])],
    );
    expect(result.failures, stderr).toEqual([]);
    expect(status).toBe(0);
  });
});

describe('a part of the suites', () => {
  test('boots the machines that its programs need, and no others', () => {
    const record = join(folder, 'part.jsonl');
    const { status, stderr } = vfioConform(
      ...['run', '--target', 'kernel:6.12', '--only', 'scenarios/dma_copies', '--record', record],
    );
    expect(machinesOf(record), stderr).toEqual({ started: ['default'], missing: [] });
    expect(status).toBe(0);
  });

  test('is written to files, replayed with each kind of machine started once, and judged', () => {
    const target = ['--target', 'kernel:6.12'];
    const parts = [['scenarios/dma_copies', 'scenarios/unsafe_interrupts_may_be_allowed'], ['map_dma_overlaps']];
    const files = parts.map((patterns, i) => {
      const { status, stdout, stderr } = command(
        ...['programs', ...target, '--suite', 'scenarios', ...patterns.flatMap((one) => ['--only', one])],
      );
      expect(status, stderr).toBe(0);
      const file = join(folder, `programs-${i}.jsonl`);
      writeFileSync(file, stdout);
      return file;
    });
    const record = join(folder, 'replayed.jsonl');
    const { status, stdout, stderr } = command('replay', ...files, ...target, '--record', record);
    expect(status, stdout + stderr).toBe(0);
    expect(machinesOf(record).started.toSorted()).toEqual(['default', 'no-interrupt-remapping']);
    const programs = files.flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'));
    const judged = vfioConform('judge', record);
    expect(judged.result).toMatchObject({ programs: programs.length, verdicts: { pass: programs.length } });
    expect(judged.status).toBe(0);
  });
});

test('a kernel that is not there is one sentence and exit code 2', () => {
  const { status, stderr } = vfioConform('run', '--target', 'kernel:/nowhere/bzImage');
  expect(stderr).toMatch(/\/nowhere\/bzImage/);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(status).toBe(2);
});
