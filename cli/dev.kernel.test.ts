// The target `dev` on a machine that has groups: a guest with Node.js in it.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { Slot } from '../spec/uapi/vocabulary.ts';
import { type GuestNode, type GuestRun, guestNode } from './test-guest-node.ts';

/** Where the emulated machine has the groups of its slots. */
const addresses = ['0000:00:03.0', '0000:00:04.0'];
const slots: Slot[] = addresses.map(() => ({ devices: 1, viable: true }));
const record = ['--record', '/tmp/record.jsonl', '--quiet'];
const everything = ['config-writes', 'bar-access', 'reset', 'driver-binding'].map((what) => `--allow-${what}`);

let guest: GuestNode;
let groups: string[];

/** The verdicts of a record by program, those aside that were not applicable. */
function verdicts(text: string): Map<string, string> {
  const cases = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ kind, verdict }) => kind === 'case' && verdict !== 'not-applicable');
  return new Map(cases.map(({ trace, verdict }) => [trace.program.id, verdict]));
}

/** What a kernel of the same version does when the tool is outside. */
function ofKernel(words: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-dev-'));
  const file = join(folder, 'record.jsonl');
  const main = join(packageRoot, 'dist/cli/main.js');
  const command = [main, 'run', '--target', 'kernel:6.12', '--record', file, '--quiet', ...words];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, (_, stdout, stderr) => {
      try {
        resolve(readFileSync(file, 'utf8'));
      } catch (error) {
        reject(new Error(`no record: ${stdout}${stderr}`, { cause: error }));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}

/** The programs that both judged, and those of them whose verdicts differ. */
function compared(run: GuestRun, kernel: string): { both: number; differ: string[] } {
  const [here, there] = [verdicts(run.record), verdicts(kernel)];
  const both = [...here.keys()].filter((id) => there.has(id));
  const differ = both.filter((id) => here.get(id) !== there.get(id));
  return { both: both.length, differ: differ.map((id) => `${id}: ${here.get(id)}, kernel:6.12 ${there.get(id)}`) };
}

beforeAll(async () => {
  guest = await guestNode('6.12', slots);
  const { groups: all } = await guest.vfioConform('--version');
  groups = addresses.flatMap((address) => ['--group', String(all[address])]);
});

afterAll(() => guest?.stop());

describe('without anything allowed', () => {
  it('has the verdicts of a kernel that is tested from outside, and leaves the configuration of every device alone', async () => {
    const selection = ['--only', 'VFIO_GROUP_GET_DEVICE_FD', '--suite', 'boundary', '--cases', '120'];
    const [run, kernel] = await Promise.all([
      guest.vfioConform('run', '--target', 'dev', ...groups, ...selection, ...record),
      ofKernel(selection),
    ]);
    const { both, differ } = compared(run, kernel);
    expect(differ, run.stdout).toEqual([]);
    expect(both).toBeGreaterThan(50);
    expect(run.after).toEqual(run.before);
  });
});

describe('with everything allowed', () => {
  it('has the verdicts of a kernel that is tested from outside', async () => {
    const selection = ['--only', 'VFIO_DEVICE_SET_IRQS', '--suite', 'boundary', '--cases', '60'];
    const [run, kernel] = await Promise.all([
      guest.vfioConform('run', '--target', 'dev', ...groups, ...everything, ...selection, ...record),
      ofKernel(selection),
    ]);
    const { both, differ } = compared(run, kernel);
    expect(differ, run.stdout).toEqual([]);
    expect(both).toBeGreaterThan(10);
  });
});

describe('the groups of the machine', () => {
  it('are named when none is, or one that is not there', async () => {
    const { status, stderr } = await guest.vfioConform('run', '--target', 'dev');
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(addresses[0]!) });
    const other = await guest.vfioConform('run', '--target', 'dev', '--group', '99');
    expect(other.stderr).toContain('--group 99: there is no such IOMMU group');
    // The host bridge has a group of its own, and no driver that could be taken from it.
    const bridge = await guest.vfioConform('run', '--target', 'dev', '--group', '0');
    expect(bridge.stderr).toContain('driverctl set-override');
  });

  it('are among the targets, with what each lacks', async () => {
    const { stdout } = await guest.vfioConform('targets');
    expect(stdout).toContain(`${addresses[0]} 1234:11e8 vfio-pci`);
  });
});
