// vfio-conformd --probe where there is nothing to probe; adapters/kernel/probe.kernel.test.ts has machines.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { builtDaemons } from './test-daemon.ts';

describe.each(builtDaemons())('$name --probe', ({ binary, missing }) => {
  it.skipIf(missing)('says of each group that it cannot probe why, and prints nothing', () => {
    for (const [group, why] of [
      ['4294967295', 'this machine has none of that number'],
      ['../3', 'this machine has none of that number'],
    ]) {
      const { status, stdout, stderr } = spawnSync(binary, ['--probe', '--group', group!], { encoding: 'utf8' });
      expect({ status, stdout, stderr }).toEqual({
        status: 2,
        stdout: '',
        stderr: `vfio-conformd: group ${group}: ${why}\n`,
      });
    }
  });

  it.skipIf(missing)('is alone with its groups', () => {
    for (const options of [
      ['--group', '3'],
      ['--probe', '--config', '/dev/null'],
      ['--probe', '3'],
    ]) {
      const { status, stdout, stderr } = spawnSync(binary, options, { encoding: 'utf8' });
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toContain('vfio-conformd --probe [--group N]..');
    }
  });
});
