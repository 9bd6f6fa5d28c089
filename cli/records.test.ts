import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { validator } from '../spec/uapi/validator.ts';
import type { DiffResult, RunResult } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';
import { stable } from './test-installed.ts';
import { main } from './test-started-run.ts';

const { folder, vfioConform } = inProcess();
const linux = ['--profile', 'type1-6.12'];

describe('records', () => {
  test('a record is judged again with the same result, by its own profile and by another', async () => {
    const record = join(folder, 'linux.jsonl');
    const first = await vfioConform('run', '--record', record, '--profile', 'type1-6.1', '--suite', 'scenarios');
    expect(stable(first.stdout)).toMatchSnapshot();
    expect(first.status).toBe(0);
    const again = await vfioConform('judge', record);
    expect(stable(again.stdout)).toBe(stable(first.stdout));
    expect(again.status).toBe(0);
    const other = await vfioConform('judge', record, '--profile', 'type1-6.12', '--json');
    expect(other.status).toBe(1);
    const { groups } = JSON.parse(other.stdout) as RunResult;
    const explaining = groups.map(({ explanation }) => explanation!.settings[0]?.set ?? []);
    expect(explaining).not.toContainEqual([]);
    expect([...new Set(explaining.flat())].sort()).toEqual([
      'dma_available_capability=twelve_bytes',
      'foreign_container_fd=einval',
      'get_info_written=sixteen_or_twenty',
      'region_access_width=four_bytes',
      'req_irq_negative_eventfd=ignored',
      'untouched_read_map=zero_page',
    ]);
  });

  test('the record of a run that was killed says that it is incomplete, and what is there is judged', async () => {
    const record = join(folder, 'killed.jsonl');
    const child = spawn(process.execPath, [main, 'run', '--suite', 'boundary', '--record', record], {
      cwd: folder,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const half = () => {
      try {
        return statSync(record).size > 500_000;
      } catch {
        return false;
      }
    };
    while (!half()) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await ended;
    const { status, stdout, stderr } = await vfioConform('judge', record, '--json');
    const { programs, verdicts, complete } = JSON.parse(stdout) as RunResult;
    expect(stderr).toContain('the record is incomplete');
    expect(programs).toBeGreaterThan(100);
    expect(verdicts.fail).toBeUndefined();
    expect(complete).toBe(false);
    expect(status).toBe(3);
  });

  test('where a record cannot be written is told before the target is looked for, which leaves nothing where it is not found', async () => {
    const [record, nowhere] = [join(folder, 'early.jsonl'), join(folder, 'no/early.jsonl')];
    const file = join(folder, 'early.json');
    writeFileSync(file, JSON.stringify({ id: 'p', topology: { slots: {} }, ops: [] }));
    for (const command of [['run'], ['replay', file]]) {
      const target = ['--target', 'kernel:6.12', '--kernel-package', join(folder, 'none.deb')];
      const refused = await vfioConform(...command, ...target, '--record', nowhere);
      expect(refused.stderr).toMatch(/--record \S+: there is no folder/);
      const unopened = await vfioConform(...command, ...target, '--record', record);
      expect(unopened.stderr).toContain('none.deb');
      expect([refused.status, unopened.status]).toEqual([2, 2]);
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('early.jsonl'))).toEqual([]);
  });

  test('a record whose last line was cut is read up to there', async () => {
    const record = join(folder, 'cut.jsonl');
    await vfioConform('run', '--suite', 'isolation', '--cases', '5', '--record', record);
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.slice(0, text.length * 0.6));
    const { status, stderr } = await vfioConform('judge', record);
    expect(stderr).toMatch(/cut off in line \d+; \d+ cases are there/);
    expect(status).toBe(3);
  });
});

describe('diff', () => {
  const [right, other] = [join(folder, 'right.jsonl'), join(folder, 'other.jsonl')];
  beforeAll(async () => {
    await vfioConform('run', '--suite', 'scenarios', ...linux, '--record', right);
    await vfioConform(
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

  test('groups what differs by the rules of both sides, and names the parameter that explains it', async () => {
    const { status, stdout, stderr } = await vfioConform('diff', right, other, '--json');
    const result = JSON.parse(stdout) as DiffResult;
    const validate = validator('diff-result.schema.json');
    expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
    expect(result.groups.flatMap(({ cases }) => cases)).toHaveLength(result.programs.different);
    const pairs = result.groups.map(({ first, second }) => [first.rule, second.rule]);
    expect(pairs).toContainEqual(['map_dma_untouched_page_is_private', 'map_dma_untouched_page_is_zero_page']);
    for (const { parameters } of result.groups)
      expect(parameters).toEqual([{ id: 'untouched_read_map', first: 'private_page', second: 'zero_page' }]);
    expect(stderr).toContain(`differ on ${result.programs.different} of ${result.programs.compared} programs`);
    expect(status).toBe(1);
  });

  test('shows one program of each group, and with --all every one', async () => {
    const { groups, programs } = JSON.parse((await vfioConform('diff', right, other, '--json')).stdout) as DiffResult;
    const shown = (await vfioConform('diff', right, other)).stdout;
    expect(shown.match(/^ {2}program: /gm)).toHaveLength(groups.length);
    const { program, operation, first, second } = groups[0]!.cases[0]!;
    for (const text of [program, operation, `first:   ${first}`, `second:  ${second}`]) expect(shown).toContain(text);
    const all = (await vfioConform('diff', right, other, '--all')).stdout;
    expect(all.match(/^ {2}program: /gm)).toHaveLength(programs.different);
  });

  test('exits with 0 where all results are the same', async () => {
    const { status, stdout } = await vfioConform('diff', right, right);
    expect(stdout).toMatch(/^sim and sim behave alike on \d+ programs\.$/m);
    expect(status).toBe(0);
  });

  test('exits with 3 where a record is incomplete', async () => {
    const cut = join(folder, 'incomplete.jsonl');
    const text = readFileSync(right, 'utf8');
    writeFileSync(cut, text.slice(0, text.length / 2));
    const { status, stdout } = await vfioConform('diff', right, cut);
    expect(stdout).toMatch(/^second: .*the record is incomplete: it was cut off in line \d+$/m);
    expect(stdout).toMatch(/not compared: \d+ only in the first/);
    expect(status).toBe(3);
  });

  test('exits with 3 where there is nothing to compare', async () => {
    const few = join(folder, 'few.jsonl');
    await vfioConform('run', '--suite', 'boundary', '--cases', '3', '--record', few);
    const { status, stdout } = await vfioConform('diff', few, right);
    expect(stdout).toContain('differs: suites boundary / scenarios');
    expect(stdout).toContain('have no program in common that both ran');
    expect(status).toBe(3);
  });
});
