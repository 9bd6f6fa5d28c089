import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { modelEnvironment } from '../reference/model-target.ts';
import { readRecord } from '../reports/record-file.ts';
import { inProcess } from './test-in-process.ts';

const { folder, vfioConform } = inProcess();

function written(name: string, value: unknown): string {
  writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  return name;
}

const only = ['--only', 'scenarios', '--profile', 'type1-6.12'];
const host = modelEnvironment({ machine: {}, slots: [{ devices: 1, viable: true }] });

describe('what is known better than the target says', () => {
  test('is judged by, kept in the record, and told in every report', async () => {
    const file = written('limit.json', { pageSizes: 4096 });
    const reports = ['--report', 'junit:run.xml', '--report', 'json:run.out', '--record', 'run.jsonl'];
    const ran = await vfioConform(
      'run',
      '--suite',
      'scenarios',
      '--only',
      'VFIO_IOMMU_GET_INFO',
      '--profile',
      'type1-6.12',
      '--environment',
      file,
      ...reports,
    );
    // The simulator tells its own page sizes all the same: who says otherwise is told so.
    expect(ran.status).toBe(1);
    expect(ran.stdout).toContain('Environment by --environment: {"pageSizes":4096}.');
    expect(ran.stdout).toContain('--environment limit.json');
    expect(readFileSync(join(folder, 'run.xml'), 'utf8')).toContain(
      '<property name="environment" value="{&quot;pageSizes&quot;:4096}"/>',
    );
    expect(JSON.parse(readFileSync(join(folder, 'run.out'), 'utf8')).environment).toEqual({ pageSizes: 4096 });
    const { header, environments } = readRecord(join(folder, 'run.jsonl'));
    expect(header.environment).toEqual({ pageSizes: 4096 });
    expect([...environments.values()].map(({ pageSizes }) => pageSizes)).toEqual([4096]);
    const judged = await vfioConform('judge', 'run.jsonl');
    expect([judged.status, withoutSeconds(judged.stdout)]).toEqual([ran.status, withoutSeconds(ran.stdout)]);
  });

  test('may be what vfio-conformd --probe prints', async () => {
    const file = written('probed.json', { environment: { ...host, dmaEntryLimit: 65535 }, devices: {} });
    const { status } = await vfioConform('run', '--cases', '3', ...only.slice(2), '--environment', file);
    expect(status).toBe(0);
  });

  test('merges members, takes those away that are null, and replaces everything else', async () => {
    const file = written('patch.json', { reserved: [], device: { interruptCause: { raise: 96 } }, nesting: null });
    await vfioConform('run', '--cases', '1', ...only.slice(2), '--environment', file, '--record', 'patched.jsonl');
    const [environment] = readRecord(join(folder, 'patched.jsonl')).environments.values();
    expect(environment).toMatchObject({ reserved: [], device: { interruptCause: { raise: 96, acknowledge: 100 } } });
  });

  test('makes programs for a machine that is not there', async () => {
    const file = written('host.json', { environment: host, devices: {} });
    const args = ['--suite', 'scenarios', '--only', 'VFIO_GROUP_GET_STATUS', '--profile', 'type1-6.12'];
    const { status, stdout } = await vfioConform('programs', ...args, '--environment', file);
    expect(status).toBe(0);
    expect(stdout.split('\n').length).toBeGreaterThan(3);
  });
});

describe('a file that is wrong is named with place and remedy', () => {
  test.each<[string, unknown, string]>([
    ['not-json', '{', 'not JSON'],
    ['list', [], 'is no object; write a part of an environment, as in {"pageSize": 4096}.'],
    ['member', { colour: 1 }, '/ must not have colour; mend it to fit spec/uapi/schema/environment.schema.json.'],
    ['value', { pageSize: 'a page' }, '/pageSize must be integer; mend it'],
    ['slot', { slots: { s0: { devices: 0 } } }, '/slots/s0/devices must be >= 1; mend it'],
    ['null', { device: null }, "/ must have required property 'device'; mend it"],
  ])('%s', async (name, value, sentence) => {
    const file = written(`${name}.json`, value);
    const { status, stderr } = await vfioConform('run', '--environment', file);
    expect([status, stderr]).toEqual([2, expect.stringContaining(`--environment ${file}: ${sentence}`)]);
  });

  test('one that is not there', async () => {
    const { status, stderr } = await vfioConform('run', '--environment', 'nowhere.json');
    expect([status, stderr]).toEqual([2, expect.stringContaining('nowhere.json: cannot be read; give a file with')]);
  });

  test('a slot of a model that neither the file nor the target has', async () => {
    const file = written('model.json', { slots: { s0: { model: 'nic' } } });
    const { status, stderr } = await vfioConform('run', '--cases', '1', '--environment', file);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining(`--environment ${file}: /slots/s0/model is nic, which \`models\` does not have; mend it`),
    ]);
  });

  test('a part of an environment where programs are made without a target', async () => {
    const file = written('part.json', { pageSize: 4096 });
    const { status, stderr } = await vfioConform('programs', '--environment', file);
    expect([status, stderr]).toEqual([2, expect.stringContaining('/ must have required property')]);
  });
});

const withoutSeconds = (text: string) => text.replace(/, \d+\.\d s/g, '');
