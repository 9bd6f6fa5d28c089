// One implementation on several machines, each behind a daemon of its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { partOf, whole } from '../spec/uapi/test-part.ts';
import type { RecordLine } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';
import { modelDaemon } from './test-model-daemon.ts';

const { vfioConform, folder } = inProcess();

/** A daemon in a file of its own, as a target. */
function daemon(name: string, ...[profile, difference]: Parameters<typeof modelDaemon>): string {
  writeFileSync(join(folder, `${name}.mjs`), modelDaemon(profile, difference));
  return `exec:exec '${process.execPath}' ${name}.mjs`;
}

const profile = 'type1-6.12';
const [usual, wide] = [daemon('usual', profile, {}), daemon('wide', profile, { machine: { addressBits: 48 } })];
const both = ['--target', usual, '--target', wide];
const part = ['--profile', profile, '--only', 'boundary/VFIO_CHECK_EXTENSION'];

test('programs go to the machine that they are for, and the record has both', async () => {
  const { status, stdout, stderr } = await vfioConform('run', ...both, ...part, '--record', 'both.jsonl', '--verbose');
  expect([status, stderr]).toEqual([0, expect.stringMatching(/on model 1, default: \d+ programs/)]);
  expect(stderr).toMatch(/on model 1, 48-bit: \d+ programs/);
  expect(stdout).toMatch(/usual\.mjs and exec:exec .*wide\.mjs \(model 1\) shows no failure in the part that ran/);
  const lines: RecordLine[] = readFileSync(join(folder, 'both.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({ target: usual, options: { target2: wide } });
  expect(lines.flatMap((line) => (line.kind === 'machine' ? [line.machine] : []))).toEqual(['default', '48-bit']);
  expect((await vfioConform('judge', 'both.jsonl')).stdout.replace(/[\d.]+ s\./, '')).toBe(
    stdout.replace(/[\d.]+ s\./, ''),
  );
});

test.runIf(whole)(
  'a program is replayed where its machine is, and programs are made for the machines of all',
  async () => {
    const { stdout } = await vfioConform('programs', ...both, ...part);
    const programs = stdout.trim().split('\n');
    const of48Bits = programs.findIndex((line) => JSON.parse(line).topology.machine?.addressBits === 48);
    expect(of48Bits).toBeGreaterThan(0);
    writeFileSync(join(folder, 'one.json'), programs[of48Bits]!);
    const replayed = await vfioConform('replay', 'one.json', ...both, '--profile', profile);
    expect([replayed.status, replayed.stdout]).toEqual([0, expect.stringMatching(/^on model 1, 48-bit\n/)]);
  },
);

test.runIf(whole)('a failure is replayed with all targets', async () => {
  const other = ['--profile', 'type1-6.1', '--only', 'set_container_fd_is_not_a_container_einval'];
  const { stdout, status } = await vfioConform('run', ...both, ...other, '--cases', '30');
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /replay: +vfio-conform replay vc1\.\S+ --target '.*usual\.mjs' --target '.*wide\.mjs' --profile/,
  );
});

test.each(
  partOf<[what: string, targets: string[], says: RegExp]>(
    [
      ['the same twice', [usual, usual], /is given twice; give it once/],
      [
        'two that are the same machine',
        [usual, daemon('again', profile, {})],
        /is a machine default, as exec:.*usual\.mjs; give/,
      ],
      ['one that has every machine', [usual, 'sim'], /--target sim: has every machine already/],
      [
        'two of different versions',
        [usual, daemon('newer', profile, { version: '2', machine: { addressBits: 48 } })],
        /is model 2, and exec:.* is model 1; what is judged together has one name and version/,
      ],
    ],
    2,
  ),
)('%s are refused', async (_, targets, says) => {
  const { status, stderr } = await vfioConform('run', ...targets.flatMap((one) => ['--target', one]), ...part);
  expect([status, stderr]).toEqual([2, expect.stringMatching(says)]);
});
