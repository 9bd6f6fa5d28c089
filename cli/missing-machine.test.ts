import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const daemon = join(packageRoot, 'dist/native/vfio-conformd');

test.skipIf(!existsSync(daemon))(
  'a program whose machine the target cannot be is not applicable, the others are judged',
  () => {
    const program = (id: string, machine: object) => ({
      id,
      topology: { machine, slots: {} },
      ops: [{ op: 'open', what: 'path', path: '/dev/null', as: 'n' }],
    });
    const files = [program('plain', {}), program('without_type1', { type1Module: false })].map((one) => {
      const file = join(folder, `${one.id}.json`);
      writeFileSync(file, JSON.stringify(one));
      return file;
    });
    const record = join(folder, 'record.jsonl');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(packageRoot, 'dist/cli/main.js'), 'replay', ...files, '--target', `exec:${daemon}`, '--record', record],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(stdout).toContain('plain: pass\n');
    expect(stdout).toContain(
      'without_type1: not-applicable: on the machine that the target starts, type1Module is true, and false is needed\n',
    );
    expect(status).toBe(3);
    expect(readFileSync(record, 'utf8')).toContain('"why":"kernel configuration"');
  },
);

test.skipIf(!existsSync(daemon)).each([[], ['--record', join(folder, 'run.jsonl')]])(
  'a rule that only a missing machine reaches is excused, whether a record is written or not: %s',
  (...record) => {
    const rule = 'check_extension_no_backend_loaded';
    const { stdout } = spawnSync(
      process.execPath,
      [
        join(packageRoot, 'dist/cli/main.js'),
        ...['run', '--target', `exec:${daemon}`, '--profile', 'type1-6.12', '--suite', 'boundary', '--only', rule],
        ...['--json', ...record],
      ],
      { encoding: 'utf8' },
    );
    expect(JSON.parse(stdout).rules.unreached).toEqual([{ id: rule, why: 'kernel configuration' }]);
  },
);
