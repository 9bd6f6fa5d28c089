// A machine without Node.js: probed, its programs made here, run there, judged here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { inPlainGuest } from '../adapters/kernel/test-guest.ts';
import { mergeNeeds, sameMachine } from '../conformance/suites/suite.ts';
import { suites } from '../conformance/suites/suites.ts';
import type { RunResult } from '../spec/uapi/vocabulary.ts';
import { judgeCommand } from './judge-command.ts';
import { programsCommand } from './programs-command.ts';
import { runCommand } from './run-command.ts';
import { printed } from './test-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-running-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

/** The groups that the suites ask of the default machine: those that kernel:6.12 boots. */
const need = mergeNeeds(suites.flatMap((suite) => suite.needs())).find(({ machine }) => sameMachine(machine, {}))!;

it('comes to what the kernel target comes to', async () => {
  const probed = await inPlainGuest({ version: '6.12', need, command: ['/vfio-conformd', '--probe'] });
  writeFileSync(path('environment.json'), probed.output);

  const selection = { profile: 'type1-6.12', suite: 'scenarios', only: ['VFIO_IOMMU_MAP_DMA'] };
  const environment = path('environment.json');
  const programs = await printed(() => programsCommand({ ...selection, environment, as: 'requests' }, '1'));
  writeFileSync(path('programs.jsonl'), programs.stdout);

  const ran = await inPlainGuest({
    ...{ version: '6.12', need },
    files: { 'environment.json': probed.output, 'programs.jsonl': programs.stdout },
    input: '/programs.jsonl',
    command: ['/vfio-conformd', '--config', '/environment.json'],
  });
  writeFileSync(path('results.jsonl'), ran.output);

  const judged = await printed(() =>
    judgeCommand(path('results.jsonl'), { programs: path('programs.jsonl'), json: true }),
  );
  const result: RunResult = JSON.parse(judged.stdout);
  expect(result.programs).toBeGreaterThan(10);
  expect(result.failures).toEqual([]);
  const booted = await printed(() => runCommand({ ...selection, target: 'kernel:6.12', seed: '0', json: true }, '1'));
  const run: RunResult = JSON.parse(booted.stdout);
  expect([judged.code, result.verdicts, result.rules, result.features]).toEqual([
    booted.code,
    run.verdicts,
    run.rules,
    run.features,
  ]);
}, 300_000);
