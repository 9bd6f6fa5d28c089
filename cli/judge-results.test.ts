// Programs as a file, results as a file: judged as a run of the same programs is.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunResult } from '../spec/uapi/vocabulary.ts';
import { judgeCommand } from './judge-command.ts';
import { programsCommand } from './programs-command.ts';
import { runCommand } from './run-command.ts';
import { printed } from './test-command.ts';
import { modelDaemon } from './test-model-daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-results-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);
const daemon = path('daemon.mjs');
// A rule that is named has to be reached.
const selection = {
  profile: 'type1-6.12',
  suite: 'scenarios',
  only: ['get_status_of_attached_group', 'get_info_writes_chain'],
};

const judge = (file: string, more = {}) =>
  printed(() => judgeCommand(path(file), { programs: path('programs.jsonl'), json: true, ...more }));

beforeAll(async () => {
  writeFileSync(daemon, modelDaemon('type1-6.1', {}));
  const target = `exec:${process.execPath} ${daemon}`;
  const { stdout } = await printed(() => programsCommand({ ...selection, target, as: 'requests' }, '1'));
  writeFileSync(path('programs.jsonl'), stdout);
  const ran = spawnSync(process.execPath, [daemon], { input: stdout, encoding: 'utf8', maxBuffer: 1 << 28 });
  writeFileSync(path('results.jsonl'), ran.stdout);
});

describe('results of a daemon that was sent a file of requests', () => {
  test.each(['type1-6.12', 'type1-6.1'])('come to what a run comes to, by %s', async (profile) => {
    const target = `exec:${process.execPath} ${daemon}`;
    const ran = await printed(() => runCommand({ ...selection, profile, target, seed: '0', json: true }, '1'));
    const judged = await judge('results.jsonl', profile === 'type1-6.12' ? {} : { profile });
    const comparable = (text: string): RunResult => ({ ...JSON.parse(text), target: '', seconds: 0 });
    expect(comparable(judged.stdout)).toEqual(comparable(ran.stdout));
    expect(judged.code).toBe(ran.code);
    expect(JSON.parse(judged.stdout).rules.total).toBe(2);
    expect(JSON.parse(judged.stdout).rules.reached).toBeGreaterThan(0);
  });

  test('that were cut off are judged as far as they go, and say so', async () => {
    const whole = readFileSync(path('results.jsonl'), 'utf8');
    writeFileSync(path('cut.jsonl'), whole.slice(0, whole.length / 2));
    const { stdout, stderr } = await judge('cut.jsonl');
    expect(JSON.parse(stdout)).toMatchObject({ complete: false, conforms: false });
    expect(stderr).toMatch(/is incomplete: it was cut off in line \d+; \d+ cases are there and were judged\.\n$/);
    const lines = whole.split('\n');
    writeFileSync(path('short.jsonl'), `${lines.slice(0, 3).join('\n')}\n`);
    expect((await judge('short.jsonl')).stderr).toContain(
      'is incomplete: not every program has a result; 2 cases are there and were judged.',
    );
  });

  test.each<[string, (lines: string[]) => string[], string]>([
    ['described.jsonl', (lines) => lines.slice(1), 'described.jsonl: has no description of the machine; give what'],
    ['twice.jsonl', (lines) => [...lines, lines[1]!], 'a second result of request 0; give the answers of one run.'],
    ['garbage.jsonl', (lines) => ['{', ...lines], 'garbage.jsonl:1: holds a line that is not JSON: {; give what'],
    [
      'refused.jsonl',
      (lines) => [lines[0]!, '{"type":"error","message":"ops[0].fd is missing"}'],
      'refused.jsonl:2: the daemon did not understand a request: ops[0].fd is missing; give what',
    ],
  ])('that are wrong are refused: %s', async (name, change, sentence) => {
    const lines = readFileSync(path('results.jsonl'), 'utf8').split('\n').filter(Boolean);
    writeFileSync(path(name), `${change(lines).join('\n')}\n`);
    await expect(judge(name)).rejects.toThrow(sentence);
  });

  test('of other programs are refused', async () => {
    const text = readFileSync(path('programs.jsonl'), 'utf8');
    writeFileSync(path('others.jsonl'), text.replaceAll('"length":4096', '"length":8192'));
    await expect(judge('results.jsonl', { programs: path('others.jsonl') })).rejects.toThrow(
      /others\.jsonl: has not got the program scenarios\/\S+ as it is for the machine of/,
    );
  });
});

test('requests are for a machine', async () => {
  await expect(printed(() => programsCommand({ as: 'requests' }, '1'))).rejects.toThrow(
    '--as requests: say for which machine, with --environment FILE.',
  );
  await expect(printed(() => programsCommand({ as: 'letters' }, '1'))).rejects.toThrow(
    '--as letters: unknown; known are programs and requests.',
  );
});
