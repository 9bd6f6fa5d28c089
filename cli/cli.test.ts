import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { validator } from '../spec/uapi/validator.ts';
import type { DiffResult, RunResult } from '../spec/uapi/vocabulary.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-cli-'));
const main = join(folder, 'dist/cli/main.js');

// The commands run as users run them: built, but in a folder that has neither the C parts nor the pages.
beforeAll(() => {
  const without = ['dist/native', 'docs/reference'].map((path) => join(packageRoot, path));
  for (const part of ['dist', 'spec', 'docs', 'package.json'])
    cpSync(join(packageRoot, part), join(folder, part), { recursive: true, filter: (path) => !without.includes(path) });
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command in the temporary folder. */
function vfioConform(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

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

/** Results without what differs from run to run. */
const stable = (text: string) => text.replace(/[\d.]+ s\.$/gm, 'N s.').replace(/\(simulator [^)]*\)/g, '(simulator)');

/** Where a parameter that tells releases of Linux apart matters. */
const linux = ['--profile', 'type1-6.12'];

/** Suites that take less long than all, where it does not matter which. */
const some = ['--suite', 'scenarios,isolation'];

describe('run', () => {
  test.each(['type1-6.1', 'type1-6.12'])('the simulator conforms to %s, and every rule is reached', (profile) => {
    const { status, stdout } = vfioConform('run', '--profile', profile);
    expect(stable(stdout)).toMatchSnapshot();
    expect(status).toBe(0);
  });

  test('--json prints one object that fits its schema, and nothing else on standard output', () => {
    const { status, stdout, stderr } = vfioConform('run', '--json', '--suite', 'scenarios');
    const result = JSON.parse(stdout);
    const validate = validator('run-result.schema.json');
    expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('conforms to v1-singleton');
    expect(status).toBe(0);
  });

  test('--set changes the profile, and the simulator with it', () => {
    expect(vfioConform('run', ...linux, ...some, '--set', 'foreign_container_fd=einval').status).toBe(0);
  });

  test.each([
    ['foreign_container_fd=einval', ['set_container_foreign_descriptor_ebadfd']],
    ['untouched_read_map=zero_page', ['map_dma_memlock_exceeded', 'map_dma_untouched_page_is_private']],
    ['write_only_mapping=unreadable', ['dma_read_of_write_only_gives_memory']],
  ])('a simulator with %s fails the profile that says otherwise, by the rules that say so', (setting, rules) => {
    const { status, stdout } = vfioConform('run', '--target', `sim:${setting}`, ...linux, '--json');
    const { groups } = JSON.parse(stdout) as RunResult;
    expect(status).toBe(1);
    expect([...new Set(groups.map(({ explanation }) => explanation!.rule))].sort()).toEqual(rules);
    for (const { explanation } of groups) expect(explanation?.settings[0]?.set).toEqual([setting]);
  });

  test('a changed errno in a copy of the contract fails, and the failure tells the cause', () => {
    const spec = editedContract('rules/map-dma.yaml', (text) =>
      text.replace(/(id: map_dma_overlaps[\s\S]*?outcome: \{ errno: )EEXIST/, '$1EBUSY'),
    );
    const { status, stdout } = vfioConform('run', '--spec', spec);
    expect(status).toBe(1);
    expect(stable(stdout.slice(0, stdout.indexOf('  replay:')))).toMatchSnapshot();
  });

  test('a failure is replayed by its token', () => {
    const target = 'sim:foreign_container_fd=einval';
    const run = vfioConform('run', '--target', target, ...linux, ...some, '--json');
    const { failures } = JSON.parse(run.stdout) as RunResult;
    const failed = vfioConform('replay', failures[0]!.token, '--target', target, ...linux);
    expect(failed.stdout).toContain('FAIL set_container_foreign_descriptor_ebadfd');
    expect(failed.status).toBe(1);
    const passed = vfioConform('replay', failures[0]!.token, ...linux);
    expect(passed.stdout).toMatch(/\npass\n$/);
    expect(passed.status).toBe(0);
  });

  test('the parts of a run add up to the whole', () => {
    const programs = (...args: string[]) =>
      (JSON.parse(vfioConform('run', ...linux, ...some, '--json', ...args).stdout) as RunResult).programs;
    expect(programs('--shard', '1/2') + programs('--shard', '2/2')).toBe(programs());
    expect(programs('--cases', '7')).toBe(7);
  });

  test('a run that runs out of time says so and exits with 3', () => {
    const { status, stdout } = vfioConform('run', '--time', '1ms');
    expect(stdout).toContain('cut off before the end');
    expect(status).toBe(3);
  });

  test('--report junit counts every program, and shows failures', () => {
    const file = join(folder, 'junit.xml');
    vfioConform(
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
});

describe('records', () => {
  test('a record is judged again with the same result, by its own profile and by another', () => {
    const record = join(folder, 'whole.jsonl');
    const first = JSON.parse(
      vfioConform('run', '--record', record, '--json', '--profile', 'type1-6.1').stdout,
    ) as RunResult;
    const again = JSON.parse(vfioConform('judge', record, '--json').stdout) as RunResult;
    expect({ ...again, seconds: 0 }).toEqual({ ...first, seconds: 0 });
    const other = vfioConform('judge', record, '--profile', 'type1-6.12', '--json');
    expect(other.status).toBe(1);
    const { groups } = JSON.parse(other.stdout) as RunResult;
    const explaining = groups.map(({ explanation }) => explanation!.settings[0]?.set ?? []);
    expect(explaining).not.toContainEqual([]);
    expect([...new Set(explaining.flat())].sort()).toEqual([
      'dma_available_capability=twelve_bytes',
      'foreign_container_fd=einval',
      'get_info_written=sixteen_or_twenty',
      'region_access_width=four_bytes',
      'request_by_negative_number=ignored',
      'untouched_read_map=zero_page',
    ]);
  });

  test('the record of a run that was killed says that it is incomplete, and what is there is judged', async () => {
    const record = join(folder, 'killed.jsonl');
    const child = spawn(process.execPath, [main, 'run', '--record', record], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const half = () => {
      try {
        return statSync(record).size > 2_000_000;
      } catch {
        return false;
      }
    };
    while (!half()) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await ended;
    const { status, stdout, stderr } = vfioConform('judge', record, '--json');
    const { programs, verdicts, complete } = JSON.parse(stdout) as RunResult;
    expect(stderr).toContain('the record is incomplete');
    expect(programs).toBeGreaterThan(100);
    expect(verdicts.fail).toBeUndefined();
    expect(complete).toBe(false);
    expect(status).toBe(3);
  });

  test('a record whose last line was cut is read up to there', () => {
    const record = join(folder, 'cut.jsonl');
    vfioConform('run', ...some, '--cases', '5', '--record', record);
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.slice(0, text.length * 0.6));
    const { status, stderr } = vfioConform('judge', record);
    expect(stderr).toMatch(/cut off in line \d+; \d+ cases are there/);
    expect(status).toBe(3);
  });
});

describe('diff', () => {
  const [right, other] = [join(folder, 'right.jsonl'), join(folder, 'other.jsonl')];
  beforeAll(() => {
    vfioConform('run', '--suite', 'scenarios', ...linux, '--record', right);
    vfioConform(
      'run',
      '--suite',
      'scenarios',
      '--target',
      'sim:untouched_read_map=zero_page',
      ...linux,
      '--record',
      other,
    );
  });

  test('groups what differs by the rules of both sides, and names the parameter that explains it', () => {
    const { status, stdout, stderr } = vfioConform('diff', right, other, '--json');
    const result = JSON.parse(stdout) as DiffResult;
    const validate = validator('diff-result.schema.json');
    expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
    expect(result.groups.flatMap(({ cases }) => cases)).toHaveLength(result.programs.different);
    const pairs = result.groups.map(({ first, second }) => [first.rule, second.rule]);
    expect(pairs).toContainEqual(['map_dma_untouched_page_is_private', 'map_dma_untouched_page_is_zero_page']);
    for (const { parameters } of result.groups)
      expect(parameters).toEqual([{ id: 'untouched_read_map', first: 'private_page', second: 'zero_page' }]);
    expect(stderr).toContain(`${result.programs.different} of ${result.programs.compared} programs differently`);
    expect(status).toBe(1);
  });

  test('shows one program of each group, and with --all every one', () => {
    const { groups, programs } = JSON.parse(vfioConform('diff', right, other, '--json').stdout) as DiffResult;
    const shown = vfioConform('diff', right, other).stdout;
    expect(shown.match(/^ {2}program: /gm)).toHaveLength(groups.length);
    const { program, operation, first, second } = groups[0]!.cases[0]!;
    for (const text of [program, operation, `first:   ${first}`, `second:  ${second}`]) expect(shown).toContain(text);
    const all = vfioConform('diff', right, other, '--all').stdout;
    expect(all.match(/^ {2}program: /gm)).toHaveLength(programs.different);
  });

  test('exits with 0 where all answers are the same', () => {
    const { status, stdout } = vfioConform('diff', right, right);
    expect(stdout).toMatch(/^sim and sim answer \d+ programs alike\.$/m);
    expect(status).toBe(0);
  });

  test('exits with 3 where a record is incomplete', () => {
    const cut = join(folder, 'incomplete.jsonl');
    const text = readFileSync(right, 'utf8');
    writeFileSync(cut, text.slice(0, text.length / 2));
    const { status, stdout } = vfioConform('diff', right, cut);
    expect(stdout).toMatch(/^second: .*the record is incomplete: it was cut off in line \d+$/m);
    expect(stdout).toMatch(/not compared: \d+ only in the first/);
    expect(status).toBe(3);
  });

  test('exits with 3 where there is nothing to compare', () => {
    const few = join(folder, 'few.jsonl');
    vfioConform('run', '--suite', 'boundary', '--cases', '3', '--record', few);
    const { status, stdout } = vfioConform('diff', few, right);
    expect(stdout).toContain('differs: suites boundary / scenarios');
    expect(stdout).toContain('have no program in common that both ran');
    expect(status).toBe(3);
  });
});

describe('explain and targets', () => {
  test.each([['map_dma_overlaps'], ['SET_CONTAINER'], ['ENOSPC'], ['untouched_read_map'], ['L1'], ['I4']])(
    'explain %s',
    (what) => {
      const { status, stdout } = vfioConform('explain', what);
      expect(stdout).toMatchSnapshot();
      expect(status).toBe(0);
    },
  );

  test.each([
    ['map_dma_overlap', 'map_dma_overlaps'],
    ['map_dma_zero_size', 'map_dma_size_zero'],
    ['untouched_map', 'untouched_read_map'],
    ['SET_CONTANER', 'SET_CONTAINER'],
    ['MAP_DAM', 'MAP_DMA'],
    ['ENOSPACE', 'ENOSPC'],
  ])('%s is answered with %s as the nearest name', (what, name) => {
    const { status, stderr } = vfioConform('explain', what);
    expect(stderr).toMatch(new RegExp(`did you mean ${name}\\b`));
    expect(status).toBe(2);
  });

  test('a name like none is answered without guesses', () => {
    const { status, stderr } = vfioConform('explain', 'xyzzy');
    expect(stderr).toMatch(/nothing is called alike/);
    expect(status).toBe(2);
  });

  test('targets lists what can be tested', () => {
    const { status, stdout } = vfioConform('targets');
    expect(stdout).toMatch(/^sim /m);
    expect(stdout).toMatch(/^kernel:6\.12 /m);
    expect(status).toBe(0);
  });

  test('targets tells everything that is missing for a kernel', () => {
    const { stdout } = spawnSync(process.execPath, [main, 'targets', '--json'], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    });
    const { targets } = JSON.parse(stdout) as { targets: { target: string; missing?: string[] }[] };
    const missing = new Map(targets.map((one) => [one.target, one.missing?.map((text) => text.split(';')[0])]));
    expect(missing.get('kernel:6.12')).toEqual(['QEMU', 'xz', 'the C daemon']);
    expect(missing.get('sim')).toBeUndefined();
  });
});

describe('wrong input gets one sentence and exit code 2', () => {
  const file = join(folder, 'wrong.jsonl');
  const programOf = (op: string) => `{"id":"x","topology":{"slots":{}},"ops":[{${op}}]}`;
  const strangeRecord =
    '{"kind":"header","format":2,"tool":{"name":"t","version":"1","hash":""},"contract":"","options":{},"profile":"type1-6.12","parameters":{"x":"y"},"target":"sim","strict":true,"seed":0,"selection":{"suites":[]}}\n';
  test.each<[string, string[], RegExp, string?]>([
    ['target', ['run', '--target', 'qemu'], /--target qemu: unknown; known are sim, model/],
    ['parameter', ['run', '--set', 'bindd=absent'], /parameter bindd is unknown; known are/],
    ['parameter value', ['run', '--set', 'bind=maybe'], /bind cannot be maybe; it can be absent/],
    ['simulator parameter', ['run', '--target', 'sim:x=y'], /no parameter x; it has/],
    ['profile', ['run', '--profile', 'v9'], /--profile v9: unknown; known are type1-6.1, type1-6.12/],
    ['suite', ['run', '--suite', 'bounds'], /--suite bounds: unknown; known are boundary, scenarios/],
    ['shard', ['run', '--shard', '3/2'], /--shard 3\/2: write I\/N/],
    ['time', ['run', '--time', 'soon'], /--time soon: write a number and a unit/],
    ['report', ['run', '--report', 'html'], /--report html: unknown format; known are/],
    ['spec folder', ['run', '--spec', '/nowhere'], /--spec \/nowhere: there is no such folder/],
    ['record folder', ['run', '--record', '/nowhere/r.jsonl'], /--record \/nowhere\/r.jsonl: cannot be written/],
    ['command', ['run', '--target', 'exec:/nowhere/daemon'], /\/nowhere\/daemon/],
    ['record', ['judge', '/nowhere/r.jsonl'], /\/nowhere\/r.jsonl: cannot be read/],
    ['record without header', ['judge', file], /has no header line/, ''],
    ['record of another contract', ['diff', file, file], /wrong.jsonl: was made with x=y, .* by --spec/, strangeRecord],
    ['record to compare', ['diff', '/nowhere/r.jsonl', file], /\/nowhere\/r.jsonl: cannot be read/],
    ['record line', ['judge', file], /wrong.jsonl:1: not a line of JSON/, 'hello\n{}\n'],
    ['record shape', ['judge', file], /wrong.jsonl:1: .*'cases'.*record.schema.json/, '{"kind":"footer"}\n'],
    ['token', ['replay', 'vc1.AAAA'], /the token is damaged/],
    ['token to explain', ['explain', 'vc1.AAAA'], /the token is damaged/],
    ['program', ['replay', file], /ops.*program.schema.json/, '{"id":"x","topology":{"slots":{}}}'],
    [
      'memory of a program',
      ['replay', file],
      /names the memory m, which no mmap/,
      programOf('"op":"peek","memory":"m","at":0,"length":1'),
    ],
    [
      'slot of a program',
      ['replay', file],
      /names the slot h, which topology/,
      programOf('"op":"open","what":"group","slot":"h","as":"h"'),
    ],
    [
      'actor of a program',
      ['replay', file],
      /names the actor child, of a process/,
      programOf('"op":"barrier","actor":"child"'),
    ],
    ['option', ['run', '--frobnicate'], /unknown option/],
  ])('%s', (_, args, message, content) => {
    if (content !== undefined) writeFileSync(file, content);
    const { status, stderr } = vfioConform(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    // What a command wrote itself comes after the sentence.
    expect(stderr.split('\nIt last wrote:')[0]!.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
