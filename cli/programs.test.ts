import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileContract } from '../reference/interpreter/contract.ts';
import { modelEnvironment, rulesOnModel } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import { validator } from '../spec/uapi/validator.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';
import { programsCommand } from './programs-command.ts';
import { replayCommand } from './replay-command.ts';
import { runCommand } from './run-command.ts';
import { printed } from './test-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-programs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const profile = 'type1-6.12';
type Options = Parameters<typeof programsCommand>[0];

async function programs(options: Options): Promise<Program[]> {
  const { stdout, stderr } = await printed(() => programsCommand({ profile, ...options }, '1'));
  const all = stdout
    .split('\n')
    .filter(Boolean)
    .map((line): Program => JSON.parse(line));
  expect(stderr).toBe(`${all.length} programs.\n`);
  return all;
}

const idsOf = (all: readonly Program[]) => all.map(({ id }) => id);

describe('--only', () => {
  const suite = 'scenarios,faults';
  let all: Program[];
  const only = async (...patterns: string[]) => idsOf(await programs({ suite, only: patterns }));
  const those = (test: (program: Program) => boolean) => idsOf(all.filter(test));
  const performing = (test: (op: Op) => boolean) => those(({ ops }) => ops.some(test));
  const story = (id: string) => id.startsWith('scenarios/');

  beforeAll(async () => {
    all = await programs({ suite });
  });

  test('a suite selects its programs', async () => {
    expect(await only('faults')).toEqual(those(({ id }) => id.startsWith('faults/')));
  });

  test('an ioctl, by any of its names, selects what calls it; where all is about one operation, what is about it', async () => {
    const { number } = uapi.ioctls.VFIO_IOMMU_DIRTY_PAGES!;
    const selected = await only('VFIO_IOMMU_DIRTY_PAGES');
    expect(selected.filter(story)).toEqual(performing((op) => op.op === 'ioctl' && op.number === number).filter(story));
    const about = new Set(selected.filter((id) => !story(id)).map((id) => id.split('/')[1]));
    expect([...about].sort()).toEqual(['start_dirty_tracking']);
    for (const name of ['DIRTY_PAGES', 'dirty_pages']) expect(await only(name), name).toEqual(selected);
  });

  test('another op selects what performs it', async () => {
    expect(await only('inject')).toEqual(performing(({ op }) => op === 'inject'));
    expect((await only('pread')).filter(story)).toEqual(performing(({ op }) => op === 'pread').filter(story));
  });

  test.each(['map_dma_overlaps', 'allocation_failure_on_attach'])(
    'the rule %s selects programs in which it decides or has its effect',
    async (rule) => {
      const data = loadContract();
      const contract = compileContract(data, parameterSetting(data, profile));
      const selected = await only(rule);
      expect(selected.length).toBeGreaterThan(0);
      expect(selected).toEqual(
        those((program) => {
          const { machine = {}, slots } = program.topology;
          return rulesOnModel(contract, modelEnvironment({ machine, slots: Object.values(slots) }), program).has(rule);
        }),
      );
    },
  );

  test.each(['scenarios/dma_', 'faults/map_dma/', 'faults/map_dma/allocation_1'])(
    'the start %s selects the ids that start so',
    async (start) => {
      const selected = await only(start);
      expect(selected.length).toBeGreaterThan(0);
      expect(selected).toEqual(those(({ id }) => id.startsWith(start)));
    },
  );

  test('several select what any of them does, each program once', async () => {
    const some = new Set([...(await only('scenarios/dma_')), ...(await only('map_dma_overlaps'))]);
    expect(await only('scenarios/dma_', 'map_dma_overlaps')).toEqual(those(({ id }) => some.has(id)));
  });
});

test.each([
  ['VFIO_IOMMU_BNID', /^--only VFIO_IOMMU_BNID: names no ioctl, .* did you mean VFIO_IOMMU_BIND/],
  ['map_dma_overlap', /did you mean map_dma_overlaps\b/],
  ['scenario', /did you mean scenarios\?/],
  ['xyzzy', /give one, as in --only VFIO_IOMMU_BIND\.$/],
  ['boundry/VFIO', /^--only boundry\/VFIO: the ids of programs start with the name of a suite: boundary\/, /],
])('--only %s is answered with what it may be', async (pattern, message) => {
  await expect(programsCommand({ only: [pattern] }, '1')).rejects.toThrow(message);
});

describe('programs', () => {
  test('are written as the schema has them, and none is run', async () => {
    const [ran, daemon] = [join(folder, 'ran'), join(folder, 'daemon.mjs')];
    const environment = JSON.stringify(modelEnvironment({ machine: {}, slots: [{ devices: 1, viable: true }] }));
    writeFileSync(
      daemon,
      `import { createInterface } from 'node:readline';
import { writeFileSync } from 'node:fs';
createInterface({ input: process.stdin }).on('line', (line) => {
  const { type } = JSON.parse(line);
  if (type === 'run') writeFileSync(${JSON.stringify(ran)}, '');
  if (type !== 'describe') process.exit();
  console.log('{"type":"description","protocol":1,"name":"n","version":"1","ops":[],"environment":' + ${JSON.stringify(environment)} + '}');
});`,
    );
    const all = await programs({
      target: `exec:${process.execPath} ${daemon}`,
      only: ['scenarios/dma_', 'faults/map/'],
    });
    const valid = validator('program.schema.json');
    expect(all.filter((program) => !valid(program))).toEqual([]);
    expect(all.length).toBeGreaterThan(20);
    expect(existsSync(ran)).toBe(false);
  });

  test('of several files are replayed, each kind of machine started once', async () => {
    const files: string[] = [];
    const all: string[] = [];
    for (const start of ['scenarios/unsafe_', 'scenarios/dma_', 'scenarios/entry_']) {
      const { stdout } = await printed(() => programsCommand({ profile, only: [start] }, '1'));
      files.push(join(folder, `${files.length}.jsonl`));
      writeFileSync(files.at(-1)!, stdout);
      all.push(
        ...stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).id),
      );
    }
    const { stdout, code } = await printed(() => replayCommand(files, { target: 'sim', profile }, '1'));
    const lines = stdout.trim().split('\n');
    const machines = lines.filter((line) => line.startsWith('on simulator '));
    expect(machines.map((line) => line.split(', ')[1]).sort()).toEqual(['default', 'no-interrupt-remapping']);
    const passed = lines.flatMap((line) => /^(\S+): pass$/.exec(line)?.[1] ?? []);
    expect(passed.sort()).toEqual(all.sort());
    expect(code).toBe(0);
  });
});

describe('run --only RULE', () => {
  const run = (...only: string[]) =>
    printed(() => runCommand({ target: 'model', seed: '0', profile, suite: 'scenarios', only }, '1'));

  test('says which program depends on the rule', async () => {
    const { stdout, code } = await run('map_dma_overlaps');
    expect(stdout).toMatch(/^1 of 1 rules reached\.\nmap_dma_overlaps is reached: scenarios\/\S+ depends on it\.$/m);
    expect(stdout).toMatch(
      /^Selected: what is about map_dma_overlaps, of the suite scenarios: \d+ units, \d+ programs\.$/m,
    );
    expect(code).toBe(0);
  });

  test('exits with 3 where no program does', async () => {
    const { stdout, code } = await run('open_device_option_unknown', 'scenarios/dma_copies');
    expect(stdout).toContain('0 of 1 rules reached.\nNot reached: open_device_option_unknown (no program reaches it).');
    expect(code).toBe(3);
  });

  test('is refused for a rule that the profile does not have, with what says who has it', async () => {
    await expect(run('bind_flag_unbind')).rejects.toThrow(
      /^--only bind_flag_unbind: \S+ does not have this rule as it is set here; vfio-conform explain bind_flag_unbind says/,
    );
  });
});
