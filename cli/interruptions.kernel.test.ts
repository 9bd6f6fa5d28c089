import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readRecord } from '../reports/record-file.ts';
import { markedProcesses } from '../spec/uapi/test-processes.ts';
import { type StartedRun, size, startRun, until } from './test-started-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-interrupted-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = () => startRun(mkdtempSync(join(folder, 'run-')), '--target', 'kernel:6.12', '--suite', 'scenarios');

/** The emulators of a run; its guard has the emulator's name among its arguments. */
const emulators = (place: string) =>
  markedProcesses(place).filter((pid) => /^\S*qemu-system/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));

const moments: [what: string, reached: (run: StartedRun) => boolean][] = [
  ['while the machine starts', ({ place }) => emulators(place).length > 0],
  ['while programs run', ({ record }) => size(record) > 20_000],
];

describe.each(moments)('a run on a kernel that is interrupted %s', (_, reached) => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('by %s', async (signal) => {
    const started = run();
    await until(() => reached(started));
    started.child.kill(signal);
    const { code, stdout, stderr } = await started.ended;
    await until(() => markedProcesses(started.place).length === 0);
    expect(stderr).not.toMatch(/\n\s+at |internal error/);
    const record = existsSync(started.record) ? started.record : `${started.record}.part`;
    expect(readRecord(record).incomplete).toContain('the record is incomplete');
    if (signal === 'SIGKILL') return;
    expect(code).toBe(3);
    expect(stdout).toContain('cut off before the end');
  });
});

test('an emulator that dies of a signal is told, and the kernel in it is not blamed', async () => {
  const { place, record, ended } = run();
  await until(() => size(record) > 20_000);
  for (const emulator of emulators(place)) process.kill(Number(emulator), 'SIGABRT');
  const { code, stdout } = await ended;
  expect(stdout).toMatch(
    /The target was lost once:\n.*the emulator was killed by SIGABRT.*nothing brought it about again/,
  );
  expect(stdout).not.toContain('FAIL');
  expect(code).toBe(3);
});
