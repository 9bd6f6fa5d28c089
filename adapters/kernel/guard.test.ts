import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { guard, guardScript } from './guard.ts';

function sleeper(): ChildProcess {
  return spawn('sleep', ['60'], { stdio: 'ignore' });
}

it('does nothing once released', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
  const child = sleeper();
  guard(child.pid!, folder)();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(child.exitCode).toBeNull();
  expect(child.signalCode).toBeNull();
  expect(existsSync(folder)).toBe(true);
  child.kill('SIGKILL');
  rmdirSync(folder);
});

it('ends process and folder when its owner is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
  const child = sleeper();
  const args = JSON.stringify(['-c', guardScript, 'guard', String(child.pid), folder]);
  const program = `
    require('node:child_process').spawn('/bin/sh', ${args}, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    setInterval(() => console.log('ready'), 10);`;
  const owner = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(owner.stdout, 'data');
  expect(child.signalCode).toBeNull();
  const ended = once(child, 'exit');
  owner.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  await vi.waitFor(() => expect(existsSync(folder)).toBe(false));
});
