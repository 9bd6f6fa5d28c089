import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { suites } from '../conformance/suites/suites.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { RecordFooter, RunResult } from '../spec/uapi/vocabulary.ts';
import { judgeCommand } from './judge-command.ts';
import { programsCommand } from './programs-command.ts';
import { replayCommand } from './replay-command.ts';
import { runCommand } from './run-command.ts';
import { printed } from './test-command.ts';
import { modelDaemon } from './test-model-daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-judge-'));
afterAll(() => rmSync(folder, { recursive: true }));
const record = join(folder, 'record.jsonl');
const report = join(folder, 'report.txt');

type Options = Omit<Parameters<typeof runCommand>[0], 'seed' | 'record' | 'json' | 'report'>;

/** What a command came to, but for how long it took: its result, its report for people, and its exit code. */
async function outcome(command: (output: { json: true; report: string[] }) => Promise<void>) {
  const { stdout, code } = await printed(() => command({ json: true, report: [`text:${report}`] }));
  const result: RunResult = { ...JSON.parse(stdout), seconds: 0 };
  return { result, text: readFileSync(report, 'utf8').replace(/, [\d.]+ s(?=[^\n]*\n$)/, ''), code };
}

const run = (options: Options) =>
  outcome((output) => runCommand({ seed: '0', record, force: true, ...output, ...options }, '1'));
const judge = () => outcome((output) => judgeCommand(record, output));

const linux = { profile: 'type1-6.12' };

/** For each suite a part that is soon run, and where more than one machine is left. */
const parts: Record<string, Omit<Options, 'target'>> = {
  boundary: { ...linux, only: ['VFIO_IOMMU_GET_INFO', 'VFIO_SET_IOMMU'] },
  scenarios: linux,
  lifecycle: { profile: 'v1-singleton', only: ['lifecycle/transfers', 'lifecycle/reset', 'lifecycle/orphan'] },
  isolation: { profile: 'v1-singleton', only: ['isolation/one_device/b', 'isolation/later_group/u'] },
  faults: linux,
};

const bySuite = suites.flatMap(({ name }) =>
  ['sim', 'model'].map((target): [string, Options] => [
    `${name} on ${target}`,
    { target, suite: name, ...parts[name] },
  ]),
);

test.each<[what: string, options: Options]>([
  ...bySuite,
  ['a shard', { target: 'sim', profile: 'type1-6.1', suite: 'scenarios,faults', shard: '2/3' }],
  ['the first cases', { target: 'sim', profile: 'type1-6.1', suite: 'faults,scenarios', cases: '60' }],
  [
    'rules by name',
    { target: 'model', ...linux, suite: 'scenarios', only: ['map_dma_overlaps', 'open_device_option_unknown'] },
  ],
  [
    'a setting of its own',
    { target: 'sim', profile: 'v1', set: ['base_kernel=6.12', 'driver=v5.8'], suite: 'scenarios', only: ['BIND'] },
  ],
  ['a defect', { target: 'sim:defect=get_info_lacks_caps_flag', ...linux, suite: 'boundary', only: ['GET_INFO'] }],
  [
    'a feature that is absent',
    { target: 'sim:bind=absent', profile: 'v1', only: ['boundary/VFIO_IOMMU_BIND/n_allocated_four_levels'] },
  ],
])('judge comes to what run came to: %s', async (_, options) => {
  const first = await run(options);
  expect(first.result.programs).toBeGreaterThan(0);
  expect(await judge()).toEqual(first);
});

test('judge comes to what run came to: machines are missing, and an op cannot be performed', async () => {
  const daemon = join(folder, 'daemon.mjs');
  writeFileSync(daemon, modelDaemon('v1-singleton', { without: 'inject' }));
  // Allocations can be let fail on no machine, and the machines that nest come after the default one.
  const only = ['allocation_failure', 'bind_flag_unbind'];
  const first = await run({ target: `exec:${process.execPath} ${daemon}`, suite: 'faults', only });
  expect(first.result.rules.unreached).toEqual([
    { id: 'allocation_failure', why: 'kernel configuration' },
    { id: 'bind_flag_unbind', why: 'hardware' },
  ]);
  expect(await judge()).toEqual(first);
});

test('judge comes to what run came to: a target that lets allocations fail, and nothing else', async () => {
  const daemon = join(folder, 'faults.mjs');
  writeFileSync(daemon, modelDaemon('type1-6.12', { faults: ['allocation'] }));
  const first = await run({
    target: `exec:${process.execPath} ${daemon}`,
    suite: 'faults',
    only: ['faults/map', 'faults/set_iommu'],
    ...linux,
  });
  const reasons = readFileSync(record, 'utf8')
    .split('\n')
    .flatMap((line) => (line.includes('"verdict":"not-applicable"') ? [JSON.parse(line).reason] : []));
  const kinds = ['copy', 'driver'].map((fault) => `the target cannot inject failures of the kind ${fault}`);
  expect([...new Set(reasons)].sort()).toEqual(kinds);
  expect(first.result.verdicts.pass).toBeGreaterThan(0);
  expect(first.result.rules.unreached).toEqual([]);
  expect(first.code).toBe(0);
  expect(await judge()).toEqual(first);
});

test('judge comes to what run came to: no machine of a suite is offered', async () => {
  const daemon = join(folder, 'wide.mjs');
  writeFileSync(daemon, modelDaemon('type1-6.12', { machine: { addressBits: 48 } }));
  const first = await run({ target: `exec:${process.execPath} ${daemon}`, suite: 'scenarios', ...linux });
  expect(first.result.rows).toEqual([{ name: 'scenarios', verdicts: {}, why: 'machine not offered' }]);
  expect(first.text).toContain('scenarios: 0 programs: machine not offered');
  expect(first.code).toBe(3);
  expect(await judge()).toEqual(first);
});

test('judge comes to what run came to: another contract, which judge has to be told', async () => {
  const spec = join(folder, 'contract');
  cpSync(join(packageRoot, 'spec/contract'), spec, { recursive: true });
  const rules = join(spec, 'rules/map-dma.yaml');
  const text = readFileSync(rules, 'utf8');
  writeFileSync(rules, text.replace(/(id: map_dma_overlaps[\s\S]*?outcome: \{ errno: )EEXIST/, '$1EBUSY'));
  const first = await run({
    target: 'sim',
    profile: 'type1-6.12',
    suite: 'scenarios',
    only: ['map_dma_overlaps'],
    spec,
  });
  expect(first.code).toBe(1);
  expect(await outcome((output) => judgeCommand(record, { ...output, spec }))).toEqual(first);
  const { stderr } = await printed(() => judgeCommand(record, {}));
  expect(stderr).toMatch(/was made with another contract than it was judged by; name that one by --spec\.$/m);
});

test('judge comes to what replay came to, of several files', async () => {
  const files: string[] = [];
  for (const only of [['boundary/VFIO_IOMMU_GET_INFO/c2_v1_mapped'], ['scenarios/dma_', 'lifecycle/reset']]) {
    const { stdout } = await printed(() => programsCommand({ ...linux, only }, '1'));
    files.push(join(folder, `${files.length}.jsonl`));
    writeFileSync(files.at(-1)!, stdout);
  }
  const target = 'sim:defect=get_info_lacks_caps_flag';
  const replayed = await printed(() => replayCommand(files, { target, ...linux, record, force: true }, '1'));
  const last = readFileSync(record, 'utf8').trim().split('\n').at(-1)!;
  const { cases, ops, verdicts, rules, groups }: RecordFooter = JSON.parse(last);
  const { result, code } = await judge();
  expect(verdicts.fail).toBeGreaterThan(0);
  expect(result).toMatchObject({ programs: cases, ops, verdicts, rules, groups });
  expect(code).toBe(replayed.code);
});
